import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  backgroundOf,
  decodeRle,
  invertMask,
  rleArea,
  subjectOf,
  unionMasks,
} from '../dist/index.js';
import { maskOf } from '../testing/masks.js';

const [WIDTH, HEIGHT] = [60, 40];
let id = 0;
/** Makes an entity from a rectangle, or from all pixels for which a function gives true. */
function entity(shape, more) {
  const isInside =
    typeof shape === 'function'
      ? shape
      : (x, y) =>
          x >= shape[0] && x < shape[0] + shape[2] && y >= shape[1] && y < shape[1] + shape[3];
  const pixels = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) =>
    Number(isInside(i % WIDTH, Math.floor(i / WIDTH))),
  );
  return maskOf(pixels, WIDTH, { id: ++id, score: 0.8, ...more });
}
const scene = (...masks) => ({ width: WIDTH, height: HEIGHT, masks });

/** The first of each pair is the subject, in either order. */
const pairs = {
  'the larger of two': [entity([15, 10, 20, 20]), entity([37, 15, 10, 10])],
  'the one in the middle': [entity([25, 15, 10, 10]), entity([3, 3, 10, 10])],
  'the one with the higher score': [
    entity([15, 15, 10, 10], { score: 0.9 }),
    entity([35, 15, 10, 10], { score: 0.3 }),
  ],
  'the one that leaves the border free': [entity([25, 5, 10, 20]), entity([25, 0, 10, 20])],
  'a thing in front of the wall around it': [
    entity([20, 12, 16, 16]),
    entity((x, y) => x < 8 || x >= 52 || y < 8 || y >= 32, { score: 0.95 }),
  ],
  'a thing on the floor and not the floor': [
    entity([24, 12, 12, 20]),
    entity((x, y) => y >= 26 && !(x >= 24 && x < 36 && y < 32), { score: 0.95 }),
  ],
  'a small thing and not the sky': [
    entity([28, 18, 6, 5]),
    entity((x, y) => y < 16, { score: 0.95 }),
  ],
};

for (const [name, [subject, other]] of Object.entries(pairs)) {
  test(`the subject is ${name}`, () => {
    assert.equal(subjectOf(scene(subject, other)), subject);
    assert.equal(subjectOf(scene(other, subject)), subject);
  });
}

test('parts and relations are never the subject, and neither is what covers the border', () => {
  const wall = entity((x, y) => x < 2 || x >= 58 || y < 2 || y >= 38);
  const others = [
    entity([20, 10, 20, 20], { level: 'part' }),
    entity([20, 10, 20, 20], { level: 'relation' }),
    entity(() => false),
  ];
  assert.equal(
    subjectOf(
      scene(
        wall,
        ...others,
        entity(() => true),
      ),
    ),
    null,
  );
  assert.equal(subjectOf(scene()), null);
  // A thing that fills a lower corner is cut off by the border, but it can be the subject.
  const corner = entity([0, 10, 35, 30]);
  assert.equal(subjectOf(scene(wall, corner)), corner);
});

test('photos of one row, one column and one pixel work', () => {
  for (const [width, pixels] of [
    [9, [0, 0, 0, 1, 1, 1, 0, 0, 0]],
    [1, [0, 0, 0, 1, 1, 1, 0, 0, 0]],
  ]) {
    const mask = maskOf(Uint8Array.from(pixels), width);
    assert.equal(subjectOf({ width, height: 9 / width, masks: [mask] }), mask);
  }
  assert.equal(subjectOf({ width: 1, height: 1, masks: [maskOf(Uint8Array.of(1), 1)] }), null);
});

test('the background is everything but the subject, or everything but the entities', () => {
  const [a, b, part] = [
    entity([5, 5, 10, 10]),
    entity([30, 20, 10, 10]),
    entity([50, 30, 5, 5], { level: 'part' }),
  ];
  const all = scene(a, b, part);
  assert.deepEqual(backgroundOf(all, a), invertMask(a));
  assert.deepEqual(backgroundOf(all, b.rle), invertMask(b));
  assert.deepEqual(backgroundOf(all), invertMask(unionMasks(a, b)));
  assert.equal(rleArea(backgroundOf(scene(part))), WIDTH * HEIGHT);
  assert.deepEqual([...decodeRle(backgroundOf({ width: 0, height: 0, masks: [] }))], []);
});

test('masks of another photo are refused', () => {
  const other = maskOf(Uint8Array.of(1, 0), 2);
  assert.throws(() => backgroundOf(scene(), other), { code: 'size-mismatch' });
  assert.throws(() => backgroundOf(scene(other)), { code: 'size-mismatch' });
  assert.throws(() => subjectOf(scene({ ...other, rle: { size: [1, 2], counts: '!' } })), {
    code: 'invalid-prompt',
  });
});
