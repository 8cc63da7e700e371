import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRle, traceOutline } from '../dist/index.js';

/** Makes a mask from rows of text: # is inside and . is outside. */
function mask(...rows) {
  const pixels = rows.flatMap((row) => [...row].map((char) => Number(char === '#')));
  return encodeRle(pixels, rows[0].length, rows.length);
}

test('a pixel is a clockwise square', () => {
  assert.deepEqual(traceOutline(mask('...', '..#')), [[3, 1, 3, 2, 2, 2, 2, 1]]);
});

test('an L has six corners', () => {
  assert.deepEqual(traceOutline(mask('#.', '##')), [[1, 0, 1, 1, 2, 1, 2, 2, 0, 2, 0, 0]]);
});

test('a hole is a counter-clockwise ring of its own', () => {
  const rings = traceOutline(mask('###', '#.#', '###'));
  assert.deepEqual(rings, [
    [3, 0, 3, 3, 0, 3, 0, 0],
    [2, 2, 2, 1, 1, 1, 1, 2],
  ]);
});

test('pixels that touch at a corner have separate rings', () => {
  assert.equal(traceOutline(mask('#.', '.#')).length, 2);
  assert.equal(traceOutline(mask('.#', '#.')).length, 2);
});

test('an empty mask has no outline', () => {
  assert.deepEqual(traceOutline(mask('..', '..')), []);
});

test('filling the rings of random masks gives the masks back', () => {
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 50; round++) {
    const [width, height] = [1 + Math.floor(random() * 12), 1 + Math.floor(random() * 12)];
    const pixels = Uint8Array.from({ length: width * height }, () => Number(random() < 0.5));
    const rings = traceOutline(encodeRle(pixels, width, height));
    pixels.forEach((value, index) => {
      assert.equal(winding(rings, (index % width) + 0.5, Math.floor(index / width) + 0.5), value);
    });
  }
});

/**
 * Counts how often the rings go clockwise around a point. Both fill rules agree if this is 0 or 1.
 */
function winding(rings, x, y) {
  let count = 0;
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) {
      const [x0, y0] = [ring[i], ring[i + 1]];
      const [x1, y1] = [ring[(i + 2) % ring.length], ring[(i + 3) % ring.length]];
      if (x0 === x1 && x0 > x && Math.min(y0, y1) < y && y < Math.max(y0, y1))
        count += Math.sign(y1 - y0);
    }
  }
  return count;
}
