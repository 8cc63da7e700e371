import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  decodeRle,
  encodeRle,
  maskToAlpha,
  maskToGeoJson,
  maskToImageData,
  maskToPolygons,
  maskToSvgPath,
  rleArea,
  rleBox,
  SegmenterError,
  sceneToCoco,
  traceOutline,
} from '../dist/index.js';
import { assortedMasks, FakeImageData, maskOf } from '../testing/masks.js';

// Masks as the XOR of [x, y, width, height] rectangles, and the encodings of pycocotools.
const cases = JSON.parse(
  readFileSync(new URL('../../tests/data/rle_pycocotools.json', import.meta.url), 'utf8'),
);

function draw(rects, height, width) {
  const pixels = new Uint8Array(width * height);
  for (const [left, top, w, h] of rects) {
    for (let y = top; y < top + h; y++)
      for (let x = left; x < left + w; x++) pixels[y * width + x] ^= 1;
  }
  return pixels;
}

for (const { name, rects, rle } of cases) {
  test(`run-length encodings are those of pycocotools: ${name}`, () => {
    const [height, width] = rle.size;
    const pixels = draw(rects, height, width);
    assert.deepEqual(decodeRle(rle), pixels);
    assert.deepEqual(encodeRle(pixels, width, height), rle);
  });
}

const rejects = (code, body) =>
  assert.throws(body, (error) => error instanceof SegmenterError && error.code === code);

test('encodings that do not fill the mask are refused', () => {
  rejects('size-mismatch', () => decodeRle({ size: [5, 8], counts: 'S1' }));
  rejects('size-mismatch', () => encodeRle([1, 0, 1], 2, 2));
});

test('text that is not a run-length encoding is refused', () => {
  for (const counts of ['!', 'o', 'ooooooooo0', 'é1', 'O'])
    rejects('invalid-prompt', () => decodeRle({ size: [5, 7], counts }));
});

test('pixels may be booleans or numbers', () => {
  const expected = encodeRle([0, 1, 0, 0], 2, 2);
  assert.equal(rleArea(expected), 1);
  for (const pixels of [
    [false, true, false, false],
    [0, true, false, 0],
    Uint8Array.of(0, 7, 0, 0),
    Float32Array.of(0, 0.5, 0, -0),
  ]) {
    assert.deepEqual(encodeRle(pixels, 2, 2), expected);
  }
});

test('pixels that are not a flat list of numbers or booleans are a TypeError', () => {
  const wrong = [
    [
      [0, 1],
      [0, 0],
    ],
    '0100',
    ['0', '1', '0', '0'],
    [0, 1, null, 0],
    // biome-ignore lint/suspicious/noSparseArray: holes must be refused too.
    [0, , 0, 1],
    BigUint64Array.of(0n, 1n, 0n, 0n),
    null,
    undefined,
    4,
    new DataView(new ArrayBuffer(4)),
  ];
  for (const pixels of wrong) assert.throws(() => encodeRle(pixels, 2, 2), TypeError);
  for (const side of [1.5, -2, NaN, Infinity, '2', undefined]) {
    assert.throws(() => encodeRle([0, 1], side, 2), TypeError);
    assert.throws(() => encodeRle([0, 1], 2, side), TypeError);
  }
});

/** Each helper that reads an encoding, applied to a mask or to a scene of it. */
const readers = {
  decodeRle: ({ rle }) => decodeRle(rle),
  rleArea: ({ rle }) => rleArea(rle),
  rleBox: ({ rle }) => rleBox(rle),
  traceOutline: ({ rle }) => traceOutline(rle),
  maskToAlpha: (mask) => maskToAlpha(mask, { feather: 2 }),
  maskToPolygons: (mask) => maskToPolygons(mask),
  maskToSvgPath: (mask) => maskToSvgPath(mask),
  maskToGeoJson: (mask) => maskToGeoJson(mask),
  maskToImageData: (mask) => maskToImageData(mask),
  sceneToCoco: (mask) =>
    sceneToCoco({ width: mask.rle.size?.[1], height: mask.rle.size?.[0], masks: [mask] }),
};
globalThis.ImageData = FakeImageData;

test('every helper also reads uncompressed runs', () => {
  assert.deepEqual([...decodeRle({ size: [2, 2], counts: [1, 2, 1] })], [0, 1, 1, 0]);
  for (const [pixels, width] of assortedMasks()) {
    const mask = maskOf(pixels, width);
    const uncompressed = { ...mask, rle: { size: mask.rle.size, counts: runsOf(pixels, width) } };
    for (const read of Object.values(readers)) assert.deepEqual(read(uncompressed), read(mask));
  }
  // Runs of length 0 join their neighbours, and exports are compressed.
  const joined = { ...maskOf([0], 1), rle: { size: [2, 3], counts: [0, 0, 1, 2, 0, 1, 2] } };
  assert.deepEqual(
    sceneToCoco({ width: 3, height: 2, masks: [joined] }).annotations[0].segmentation,
    encodeRle([0, 1, 0, 1, 1, 0], 3, 2),
  );
});

/** Gives the runs down the columns, background first. */
function runsOf(pixels, width) {
  const runs = [0];
  for (let x = 0; x < width; x++) {
    for (let i = x; i < pixels.length; i += width) {
      if (pixels[i] !== (runs.length - 1) % 2) runs.push(0);
      runs[runs.length - 1]++;
    }
  }
  return runs;
}

test('sizes that no photo has are refused before memory is allocated for them', () => {
  const sizes = [
    [65535, 65535],
    [1e9, 1e9],
    [NaN, 2],
    [2, Infinity],
    [-2, -2],
    [1.5, 2],
    ['2', 2],
    [4],
    [2, 2, 1],
    [],
    null,
    undefined,
    4,
    '2 2',
  ];
  for (const size of sizes) {
    for (const counts of ['04', [0, 4]]) {
      for (const read of Object.values(readers))
        rejects('invalid-prompt', () => read({ ...maskOf([1], 1), rle: { size, counts } }));
    }
  }
  rejects('invalid-prompt', () => decodeRle(undefined));
});

test('invalid run lengths are refused', () => {
  const [size, wrong] = [
    [2, 2],
    [
      [1, NaN, 3],
      [5, -1],
      [1.5, 2.5],
      ['1', 3],
      [1, [2], 1],
      // biome-ignore lint/suspicious/noSparseArray: holes must be refused too.
      [1, , 3],
      undefined,
      null,
      4,
      { 0: 4 },
    ],
  ];
  for (const counts of wrong) rejects('invalid-prompt', () => decodeRle({ size, counts }));
  for (const counts of [[1, 2], [1, 2, 2], []])
    rejects('size-mismatch', () => decodeRle({ size, counts }));
});
