import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  cocoToRle,
  encodeRle,
  maskToPolygons,
  rleArea,
  sceneToCoco,
  traceOutline,
} from '../dist/index.js';
import { assortedMasks, maskOf, pixelsOf, raggedMasks } from '../testing/masks.js';

// Annotations, and the encodings that pycocotools makes of them.
const cases = JSON.parse(
  readFileSync(new URL('../../tests/data/polygons_pycocotools.json', import.meta.url), 'utf8'),
);

for (const { name, annotation, rle } of cases) {
  test(`the mask is that of pycocotools: ${name}`, () => {
    const [height, width] = rle.size;
    assert.deepEqual(cocoToRle(annotation, width, height), rle);
  });
}

test('run-length encodings are read', () => {
  const rle = encodeRle(pixelsOf('.##', '#..'), 3, 2);
  assert.deepEqual(cocoToRle({ segmentation: rle, bbox: [0, 0, 1, 1] }, 3, 2), rle);
  assert.deepEqual(
    cocoToRle({ segmentation: { size: [2, 3], counts: [1, 2, 1, 1, 1] } }, 3, 2),
    rle,
  );
});

test('exact polygons that were exported give the mask back, with its holes', () => {
  for (const [pixels, width] of [...assortedMasks(), ...raggedMasks(5, 60)]) {
    const mask = maskOf(pixels, width);
    const height = pixels.length / width;
    const scene = { width, height, masks: [mask] };
    const [annotation] = sceneToCoco(scene, { segmentation: 'polygons' }).annotations;
    assert.equal(annotation.segmentation.length, maskToPolygons(mask).length);
    if (mask.area > 0) assert.deepEqual(cocoToRle(annotation, width, height), mask.rle);
    const simple = sceneToCoco(scene, { segmentation: 'polygons', tolerance: 2 }).annotations[0]
      .segmentation;
    assert.ok(simple.flat().length <= annotation.segmentation.flat().length);
  }
});

test('corners far outside the photo take no more time', () => {
  const far = cocoToRle({ segmentation: [[-1e15, -1e15, 1e15, -1e15, 1e15, 3, -1e15, 3]] }, 20, 10);
  assert.equal(rleArea(far), 60);
  assert.equal(
    rleArea(cocoToRle({ segmentation: [[-1e12, -1e12, 1e12, 1e12, -1e12, 1e12]] }, 10, 10)),
    55,
  );
  assert.equal(traceOutline(far).length, 1);
});

test('annotations without a valid shape are refused', () => {
  const refused = (code, annotation) =>
    assert.throws(() => cocoToRle(annotation, 8, 6), { name: 'SegmenterError', code });
  for (const ring of [
    [],
    [1, 1, 2, 2],
    [1, 1, 2, 2, 3, 3, 4],
    [1, 1, 2, 2, 3, NaN],
    [1, 1, 2, 2, 3, Infinity],
    ['1', 1, 2, 2, 3, 3],
    [
      [1, 1],
      [2, 2],
      [3, 3],
    ],
    7,
    null,
  ]) {
    refused('invalid-prompt', { segmentation: [ring] });
  }
  refused('invalid-prompt', {});
  refused('invalid-prompt', { segmentation: [] });
  refused('invalid-prompt', { bbox: [1, 2, 3] });
  refused('invalid-prompt', { bbox: 7 });
  refused('invalid-prompt', { segmentation: 'text' });
  refused('invalid-prompt', { segmentation: { size: [6, 8], counts: [-1, 49] } });
  refused('size-mismatch', { segmentation: { size: [8, 6], counts: [48] } });
  refused('size-mismatch', { segmentation: { size: [6, 8], counts: [47] } });
  for (const side of [1.5, -1, NaN, '8', undefined])
    assert.throws(() => cocoToRle({ bbox: [0, 0, 1, 1] }, side, 6), TypeError);
});
