import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  decodeRle,
  dropIslands,
  encodeRle,
  fillHoles,
  growMask,
  intersectMasks,
  invertMask,
  rleArea,
  SegmenterError,
  shrinkMask,
  smoothMask,
  subtractMasks,
  unionMasks,
} from '../dist/index.js';
import { assortedMasks, maskOf, raggedMasks, textMask } from '../testing/masks.js';

// The results of SciPy, scikit-image and pycocotools for the same masks.
const { cases, pairs } = JSON.parse(
  readFileSync(new URL('../../tests/data/morphology_scipy.json', import.meta.url), 'utf8'),
);

for (const { name, rle, invert, ...expected } of cases) {
  test(`the result is that of SciPy: ${name}`, () => {
    const { size } = rle;
    assert.deepEqual(invertMask(rle), { size, counts: invert });
    for (const [radius, counts] of Object.entries(expected.grow))
      assert.deepEqual(growMask(rle, Number(radius)), { size, counts }, `grow ${radius}`);
    for (const [radius, counts] of Object.entries(expected.shrink))
      assert.deepEqual(shrinkMask(rle, Number(radius)), { size, counts }, `shrink ${radius}`);
    for (const [radius, counts] of Object.entries(expected.smooth))
      assert.deepEqual(smoothMask(rle, Number(radius)), { size, counts }, `smooth ${radius}`);
    for (const [largest, counts] of Object.entries(expected.fillHoles)) {
      assert.deepEqual(
        fillHoles(rle, largest === 'all' ? {} : { largest: Number(largest) }),
        { size, counts },
        `holes ${largest}`,
      );
    }
    for (const [smallest, counts] of Object.entries(expected.dropIslands)) {
      assert.deepEqual(
        dropIslands(rle, smallest === 'largest' ? {} : { smallest: Number(smallest) }),
        { size, counts },
        `islands ${smallest}`,
      );
    }
  });
}

test('pairs of masks combine as in pycocotools', () => {
  for (const { masks, union, intersect, subtract } of pairs) {
    const { size } = masks[0];
    assert.deepEqual(unionMasks(...masks), { size, counts: union });
    assert.deepEqual(intersectMasks(...masks), { size, counts: intersect });
    assert.deepEqual(subtractMasks(...masks), { size, counts: subtract });
  }
});

test('any number of masks combine, given as masks or as encodings', () => {
  const [a, b, c] = [textMask('##..', '#...'), textMask('.##.', '#...'), textMask('..##', '#...')];
  assert.deepEqual(unionMasks(a, b.rle, c), textMask('####', '#...').rle);
  assert.deepEqual(intersectMasks(a.rle, b, c), textMask('....', '#...').rle);
  assert.deepEqual(subtractMasks(a, b, c.rle), textMask('#...', '....').rle);
  for (const combine of [unionMasks, intersectMasks, subtractMasks])
    assert.deepEqual(combine(a), a.rle);
  assert.deepEqual(
    unionMasks(
      { size: [2, 4], counts: [0, 2, 6] },
      { rle: { size: [2, 4], counts: [2, 1, 0, 0, 5] } },
    ),
    textMask('##..', '#...').rle,
  );
});

test('masks of all kinds combine pixel by pixel', () => {
  const masks = [...assortedMasks(), ...raggedMasks(3, 36)];
  masks.forEach(([pixels, width], i) => {
    const other = Uint8Array.from(
      pixels,
      (_, at) => masks[(i + 1) % masks.length][0][at] ?? at % 2,
    );
    const [a, b] = [maskOf(pixels, width), maskOf(other, width)];
    const check = (rle, value) =>
      assert.deepEqual(
        decodeRle(rle),
        Uint8Array.from(pixels, (_, at) => Number(value(pixels[at], other[at]))),
      );
    check(invertMask(a), (mine) => !mine);
    check(unionMasks(a, b), (mine, its) => mine || its);
    check(intersectMasks(a, b), (mine, its) => mine && its);
    check(subtractMasks(a, b), (mine, its) => mine && !its);
    // The encoding is that of the pixels, and rules that hold for every mask hold for this one.
    assert.deepEqual(invertMask(invertMask(a)), a.rle);
    assert.deepEqual(smoothMask(invertMask(a), 2), invertMask(smoothMask(a, 2)));
    assert.equal(rleArea(subtractMasks(a, growMask(a, 1.5))), 0);
    assert.equal(rleArea(subtractMasks(a, shrinkMask(growMask(a, 3), 3))), 0);
    assert.equal(rleArea(subtractMasks(growMask(shrinkMask(a, 3), 3), a)), 0);
    assert.deepEqual(dropIslands(dropIslands(a)), dropIslands(a));
  });
});

test('masks of different sizes do not combine', () => {
  for (const combine of [unionMasks, intersectMasks, subtractMasks]) {
    for (const other of [encodeRle(new Uint8Array(6), 3, 2), encodeRle(new Uint8Array(4), 2, 2)]) {
      assert.throws(() => combine(encodeRle(new Uint8Array(6), 2, 3), other), {
        name: 'SegmenterError',
        code: 'size-mismatch',
      });
    }
  }
});

test('values that are not masks or numbers of pixels are refused', () => {
  const rle = encodeRle([0, 1, 1, 0], 2, 2);
  const helpers = [
    invertMask,
    unionMasks,
    intersectMasks,
    subtractMasks,
    fillHoles,
    dropIslands,
    (mask) => growMask(mask, 1),
    (mask) => shrinkMask(mask, 1),
    (mask) => smoothMask(mask, 1),
  ];
  for (const helper of helpers) {
    for (const wrong of [
      undefined,
      null,
      7,
      'text',
      {},
      { rle: {} },
      { size: [2, 2], counts: '!' },
      { size: [65535, 65535], counts: '04' },
    ]) {
      assert.throws(
        () => helper(wrong),
        (error) => error instanceof SegmenterError && error.code === 'invalid-prompt',
      );
    }
  }
  for (const wrong of [-1, NaN, Infinity, undefined]) {
    for (const helper of [growMask, shrinkMask, smoothMask])
      assert.throws(() => helper(rle, wrong), TypeError);
  }
  for (const wrong of [-1, NaN]) {
    assert.throws(() => fillHoles(rle, { largest: wrong }), TypeError);
    assert.throws(() => dropIslands(rle, { smallest: wrong }), TypeError);
  }
});
