import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutOutBox, encodeRle, maskToAlpha } from '../dist/index.js';
import { assortedMasks, maskOf, textMask } from '../testing/masks.js';

/** Computes alpha by looking at every pair of pixels. */
function slowAlpha(pixels, width, { feather = 0, shiftEdge = 0 }) {
  return Uint8ClampedArray.from(pixels, (inside, i) => {
    let nearest = Infinity;
    pixels.forEach((other, k) => {
      if (other === inside) return;
      nearest = Math.min(
        nearest,
        Math.hypot((i % width) - (k % width), Math.floor(i / width) - Math.floor(k / width)),
      );
    });
    const toEdge = (inside ? 1 : -1) * (nearest - 0.5) + shiftEdge;
    if (feather === 0) return toEdge >= 0 ? 255 : 0;
    return 255 * Math.min(1, Math.max(0, 0.5 + toEdge / feather));
  });
}

for (const options of [
  {},
  { shiftEdge: 1 },
  { shiftEdge: -1 },
  { shiftEdge: 3.7 },
  { shiftEdge: -2.2 },
  { shiftEdge: 1000 },
  { shiftEdge: -1000 },
  { feather: 0.3 },
  { feather: 1 },
  { feather: 2.5 },
  { feather: 9 },
  { feather: 4, shiftEdge: 2 },
  { feather: 4, shiftEdge: -2 },
  { feather: 300, shiftEdge: 0.5 },
]) {
  test(`alpha follows from the distances to all pixels: ${JSON.stringify(options)}`, () => {
    for (const [pixels, width] of assortedMasks()) {
      const alpha = maskToAlpha(maskOf(pixels, width), options);
      assert.equal(alpha.width, width);
      assert.equal(alpha.height, pixels.length / width);
      assert.deepEqual(alpha.data, slowAlpha(pixels, width, options));
    }
  });
}

const rowsOf = ({ data, width }) =>
  Array.from({ length: data.length / width }, (_, y) => [
    ...data.slice(y * width, (y + 1) * width),
  ]);

test('the ramp is centred on the edge', () => {
  const row = maskToAlpha(textMask('.....#####'), { feather: 4 }).data;
  assert.deepEqual([...row], [0, 0, 0, 32, 96, 159, 223, 255, 255, 255]);
});

test('shifts are in pixels', () => {
  const mask = textMask(
    '.......',
    '.......',
    '..###..',
    '..###..',
    '..###..',
    '.......',
    '.......',
  );
  const area = (shiftEdge) =>
    maskToAlpha(mask, { shiftEdge }).data.filter((alpha) => alpha === 255).length;
  // Around the square are sides at 1 and 2 pixels and corners at 1.41, 2.24 and 2.83 pixels, each
  // less half a pixel.
  assert.deepEqual([-2, -1, 0, 0.9, 1, 1.5, 1.75, 2.5].map(area), [0, 1, 9, 21, 25, 37, 45, 49]);
});

test('the border of the photo is not an edge of the mask', () => {
  const rows = rowsOf(
    maskToAlpha(textMask('##....', '##....', '##....'), { feather: 3, shiftEdge: -0.5 }),
  );
  for (const row of rows) assert.deepEqual(row, rows[0]);
  assert.deepEqual(rows[0], [212, 128, 43, 0, 0, 0]);
  const full = maskToAlpha(textMask('##', '##'), { feather: 5, shiftEdge: -50 });
  assert.deepEqual([...full.data], [255, 255, 255, 255]);
});

test('an empty mask stays empty', () => {
  const empty = textMask('...', '...');
  assert.deepEqual([...maskToAlpha(empty, { feather: 5, shiftEdge: 50 }).data], [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(cutOutBox(empty, { shiftEdge: 50 }), [0, 0, 0, 0]);
});

test('the box of a cut-out is the smallest around all that is not transparent', () => {
  const mask = textMask('........', '........', '...##...', '........', '........');
  assert.deepEqual(cutOutBox(mask), [3, 2, 2, 1]);
  assert.deepEqual(cutOutBox(mask, { shiftEdge: 1 }), [2, 1, 4, 3]);
  assert.deepEqual(cutOutBox(mask, { feather: 4 }), [1, 0, 6, 5]);
  assert.deepEqual(cutOutBox(mask, { shiftEdge: 9 }), [0, 0, 8, 5]);
  assert.deepEqual(cutOutBox(mask, { shiftEdge: -1 }), [0, 0, 0, 0]);
});

test('a small mask in a photo of 12 megapixels has a soft edge', () => {
  const [width, height] = [4000, 3000];
  const pixels = new Uint8Array(width * height);
  for (let y = 2990; y < height; y++) pixels.fill(1, y * width + 3000, y * width + 3010);
  const { data } = maskToAlpha(
    { rle: encodeRle(pixels, width, height) },
    { feather: 2, shiftEdge: 1 },
  );
  const at = (x, y) => data[y * width + x];
  assert.deepEqual(
    [at(2997, 2995), at(2998, 2995), at(2999, 2995), at(3000, 2995)],
    [0, 64, 191, 255],
  );
  assert.equal(at(3005, 2999), 255);
});

test('numbers that make no sense are refused', () => {
  for (const options of [
    { feather: -1 },
    { feather: NaN },
    { feather: Infinity },
    { shiftEdge: NaN },
    { shiftEdge: Infinity },
  ]) {
    assert.throws(() => maskToAlpha(textMask('#'), options), TypeError);
  }
});
