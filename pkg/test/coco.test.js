import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  encodeRle,
  rleArea,
  rleBox,
  SegmenterError,
  scenesToCoco,
  sceneToCoco,
} from '../dist/index.js';
import { maskOf, pixelsOf } from '../testing/masks.js';

// Masks as rows of text, and what pycocotools makes of them.
const cases = JSON.parse(
  readFileSync(new URL('../../tests/data/coco_pycocotools.json', import.meta.url), 'utf8'),
);

for (const { name, rows, area, bbox, rle } of cases) {
  test(`encoding, area and box are those of pycocotools: ${name}`, () => {
    const [width, height] = [rows[0].length, rows.length];
    const encoded = encodeRle(pixelsOf(...rows), width, height);
    assert.deepEqual(encoded, rle);
    assert.equal(rleArea(encoded), area);
    assert.deepEqual(rleBox(encoded), bbox);
    // Area and box are computed from the pixels, so that they are right for masks that were
    // changed.
    const mask = {
      id: 3,
      level: 'entity',
      score: 0.5,
      area: -1,
      bbox: [0, 0, 0, 0],
      rle: encoded,
      parent: null,
      members: [],
    };
    const [annotation] = sceneToCoco({ width, height, masks: [mask] }).annotations;
    assert.deepEqual(annotation.segmentation, rle);
    assert.equal(annotation.area, area);
    assert.deepEqual(annotation.bbox, bbox);
  });
}

test('a scene becomes a data set', () => {
  const rle = encodeRle([0, 1, 1, 1], 2, 2);
  const mask = { score: 0.25, area: 3, bbox: [0, 0, 2, 2], rle, parent: null, members: [] };
  const masks = [
    { ...mask, id: 1, level: 'entity' },
    { ...mask, id: 2, level: 'part', parent: 1 },
    { ...mask, id: 3, level: 'relation', members: [1, 4] },
  ];
  const annotation = {
    image_id: 12,
    segmentation: rle,
    area: 3,
    bbox: [0, 0, 2, 2],
    iscrowd: 0,
    score: 0.25,
    parent: null,
    members: [],
  };
  const coco = sceneToCoco({ width: 2, height: 2, masks }, { fileName: 'cup.png', imageId: 12 });
  assert.deepEqual(JSON.parse(JSON.stringify(coco)), {
    images: [{ id: 12, width: 2, height: 2, file_name: 'cup.png' }],
    annotations: [
      { ...annotation, id: 1, category_id: 2 },
      { ...annotation, id: 2, category_id: 1, parent: 1 },
      { ...annotation, id: 3, category_id: 3, members: [1, 4] },
    ],
    categories: [
      { id: 1, name: 'part', supercategory: 'level' },
      { id: 2, name: 'entity', supercategory: 'level' },
      { id: 3, name: 'relation', supercategory: 'level' },
    ],
  });
});

test('an empty scene is a data set without annotations', () => {
  const coco = sceneToCoco({ width: 5, height: 4, masks: [] });
  assert.deepEqual(coco.images, [{ id: 1, width: 5, height: 4, file_name: '' }]);
  assert.deepEqual(coco.annotations, []);
});

test('masks without a valid run-length encoding are refused', () => {
  const mask = {
    id: 1,
    level: 'part',
    score: 1,
    area: 0,
    bbox: [0, 0, 0, 0],
    rle: { size: [5, 8], counts: 'S1' },
    parent: null,
    members: [],
  };
  assert.throws(
    () => sceneToCoco({ width: 8, height: 5, masks: [mask] }),
    (error) => error instanceof SegmenterError && error.code === 'size-mismatch',
  );
});

const photoOf = (...masks) => ({
  width: 2,
  height: 2,
  masks: masks.map((more) => ({ ...maskOf([1, 0, 1, 1], 2), ...more })),
});

test('several photos become one data set with its own ids', () => {
  const scenes = [
    photoOf({ id: 1 }, { id: 2, level: 'part', parent: 1 }),
    photoOf(),
    photoOf(
      { id: 1 },
      { id: 7, level: 'relation', members: [1, 9] },
      { id: 3, level: 'part', parent: 9 },
    ),
  ];
  const coco = scenesToCoco([
    { scene: scenes[0], fileName: 'a.jpg' },
    { scene: scenes[1] },
    { scene: scenes[2], imageId: 30 },
  ]);
  assert.deepEqual(coco.images, [
    { id: 1, width: 2, height: 2, file_name: 'a.jpg' },
    { id: 2, width: 2, height: 2, file_name: '' },
    { id: 30, width: 2, height: 2, file_name: '' },
  ]);
  const links = coco.annotations.map(({ id, image_id, parent, members }) => [
    id,
    image_id,
    parent,
    members,
  ]);
  assert.deepEqual(links, [
    [1, 1, null, []],
    [2, 1, 1, []],
    [3, 30, null, []],
    [4, 30, null, [3]],
    [5, 30, null, []],
  ]);
  assert.deepEqual(coco.categories, sceneToCoco(scenes[0]).categories);
  assert.deepEqual(coco.annotations[0].segmentation, encodeRle([1, 0, 1, 1], 2, 2));
  assert.deepEqual(scenesToCoco([]), { images: [], annotations: [], categories: coco.categories });
});

test('two photos with the same id are refused', () => {
  assert.throws(
    () => scenesToCoco([{ scene: photoOf(), imageId: 2 }, { scene: photoOf() }]),
    TypeError,
  );
  assert.throws(
    () =>
      scenesToCoco([
        { scene: photoOf(), imageId: 5 },
        { scene: photoOf(), imageId: 5 },
      ]),
    TypeError,
  );
});

test('polygons instead of encodings: one ring for each piece, joined to its holes', () => {
  const scene = { width: 6, height: 3, masks: [maskOf(pixelsOf('###..#', '#.#...', '###...'), 6)] };
  const expected = [
    [3, 0, 3, 3, 0, 3, 0, 0, 3, 0, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2],
    [6, 0, 6, 1, 5, 1, 5, 0],
  ];
  const [annotation] = sceneToCoco(scene, { segmentation: 'polygons' }).annotations;
  assert.deepEqual(annotation.segmentation, expected);
  assert.deepEqual([annotation.area, annotation.bbox], [9, [0, 0, 6, 3]]);
  assert.deepEqual(
    scenesToCoco([{ scene }], { segmentation: 'polygons' }).annotations[0].segmentation,
    expected,
  );
  assert.throws(() => sceneToCoco(scene, { segmentation: 'polygon' }), TypeError);
  assert.throws(
    () => scenesToCoco([{ scene }], { segmentation: 'polygons', tolerance: -1 }),
    TypeError,
  );
});

test('the data set is the one that the native program writes', () => {
  const data = (name) => readFileSync(new URL(`../../tests/data/${name}`, import.meta.url), 'utf8');
  const photos = data('scenes.jsonl')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const coco = scenesToCoco(photos.map(({ photo: fileName, ...scene }) => ({ scene, fileName })));
  assert.equal(`${JSON.stringify(coco)}\n`, data('scenes_coco.json'));
});
