import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SegmenterError, decodeRle, encodeRle } from '../dist/index.js';

// Masks given as the XOR of [x, y, width, height] rectangles, with pycocotools' codes.
const cases = JSON.parse(readFileSync(new URL('../../tests/data/rle_pycocotools.json', import.meta.url), 'utf8'));

function draw(rects, height, width) {
  const pixels = new Uint8Array(width * height);
  for (const [left, top, w, h] of rects) {
    for (let y = top; y < top + h; y++) for (let x = left; x < left + w; x++) pixels[y * width + x] ^= 1;
  }
  return pixels;
}

for (const { name, rects, rle } of cases) {
  test(`run-length codes as pycocotools has them: ${name}`, () => {
    const [height, width] = rle.size;
    const pixels = draw(rects, height, width);
    assert.deepEqual(decodeRle(rle), pixels);
    assert.deepEqual(encodeRle(pixels, width, height), rle);
  });
}

const rejects = (code, body) => assert.throws(body, (error) => error instanceof SegmenterError && error.code === code);

test('codes that do not fill the mask are refused', () => {
  rejects('size-mismatch', () => decodeRle({ size: [5, 8], counts: 'S1' }));
  rejects('size-mismatch', () => encodeRle([1, 0, 1], 2, 2));
});

test('text that is no run-length code is refused', () => {
  for (const counts of ['!', 'o', 'ooooooooo0', 'é1', 'O']) rejects('invalid-prompt', () => decodeRle({ size: [5, 7], counts }));
});
