import assert from 'node:assert/strict';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { initializeCanvas, readPsd } from 'ag-psd';
import { SegmenterError } from '../dist/index.js';
import { sceneToPsd } from '../dist/psd.js';
import { FakeImageData, maskOf, photoOf, pixelsOf } from '../testing/masks.js';

globalThis.ImageData ??= FakeImageData;
// Reading a file back needs an image to read into. Writing must work without canvases.
const noCanvas = () => assert.fail('asked for a canvas');
initializeCanvas(noCanvas, (width, height) => new FakeImageData(width, height));

const mask = (id, level, rows, more) => maskOf(pixelsOf(...rows), 6, { id, level, ...more });
const masks = [
  mask(1, 'entity', ['###...', '###...', '......', '......']),
  mask(2, 'entity', ['......', '......', '.#####', '.#.###']),
  mask(3, 'part', ['......', '......', '....##', '......'], { parent: 2 }),
  mask(4, 'part', ['......', '......', '.###..', '.#....'], { parent: 2 }),
  mask(5, 'part', ['.....#', '......', '......', '......']),
  mask(6, 'relation', ['###...', '###...', '.#####', '.#.###'], { members: [1, 2] }),
];
const scene = { width: 6, height: 4, masks };
const photo = photoOf(6, 4);

async function roundTrip(...args) {
  const blob = await sceneToPsd(...args);
  assert.equal(blob.type, 'image/vnd.adobe.photoshop');
  return readPsd(await blob.arrayBuffer(), { useImageData: true });
}

/** Gives the names of layers and, in brackets, those inside groups. */
const treeOf = (layers) =>
  layers.map(({ name, children }) => (children ? [name, treeOf(children)] : name));

function* flat(layers) {
  for (const layer of layers) yield* layer.children ? flat(layer.children) : [layer];
}

test('layers and groups go from the bottom up', async () => {
  const psd = await roundTrip(scene, photo);
  assert.deepEqual([psd.width, psd.height], [6, 4]);
  assert.deepEqual(treeOf(psd.children), [
    'Photo',
    ['Relations', ['Relation 6']],
    ['Entity 2', ['Entity 2', 'Part 4', 'Part 3']],
    'Entity 1',
    'Part 5',
  ]);
  const relations = psd.children[1];
  assert.equal(relations.hidden, true);
  assert.equal(relations.opened, false);
  assert.ok(psd.children.every(({ hidden, name }) => Boolean(hidden) === (name === 'Relations')));
  assert.ok(
    [...flat(psd.children)].every(
      ({ blendMode, opacity }) => blendMode === 'normal' && opacity === 1,
    ),
  );
});

test('the photo is the lowest layer and the image that other programs show', async () => {
  const psd = await roundTrip(scene, photo);
  for (const { data, width, height } of [psd.imageData, psd.children[0].imageData]) {
    assert.deepEqual([width, height], [6, 4]);
    assert.deepEqual([...data], [...photo.data]);
  }
});

test('a layer is the photo in the mask’s box, transparent outside the mask', async () => {
  const psd = await roundTrip(scene, photo);
  const layers = [...flat(psd.children)].slice(1);
  assert.equal(layers.length, masks.length);
  for (const { name, left, top, right, bottom, imageData } of layers) {
    const { bbox, rle } = masks.find(({ id }) => name.endsWith(` ${id}`));
    const [x, y, width, height] = bbox;
    assert.deepEqual([left, top, right, bottom], [x, y, x + width, y + height]);
    assert.deepEqual([imageData.width, imageData.height, rle.size], [width, height, [4, 6]]);
  }
  const part = layers.find(({ name }) => name === 'Part 4');
  const pixel = (x, y) => [...photo.data.slice(4 * (y * 6 + x), 4 * (y * 6 + x) + 4)];
  const none = [0, 0, 0, 0];
  assert.deepEqual(
    [...part.imageData.data],
    [pixel(1, 2), pixel(2, 2), pixel(3, 2), pixel(1, 3), none, none].flat(),
  );
});

test('edges are soft as asked for, also on a photo that is half transparent', async () => {
  const [entity] = masks;
  const psd = await roundTrip({ ...scene, masks: [entity] }, photoOf(6, 4, 128), { feather: 4 });
  const layer = psd.children[1];
  assert.deepEqual([layer.left, layer.top, layer.right, layer.bottom], [0, 0, 5, 4]);
  // These are halves of 223, 159, 96 and 32. Two rows down is as near to the edge as two columns to
  // the right.
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((x) => layer.imageData.data[4 * x + 3]),
    [112, 112, 80, 48, 16],
  );
});

test('a layer with a matte has its alpha, and its colours in soft pixels', async () => {
  const photo = photoOf(6, 4, 128);
  const matte = {
    width: 6,
    height: 4,
    data: Uint8ClampedArray.from({ length: 24 }, (_, i) => (i === 7 ? 100 : i === 8 ? 255 : 0)),
    // The box is larger than what is left of the alpha, as after a change of the alpha.
    colors: { box: [0, 0, 2, 2], data: new Uint8ClampedArray(16).fill(255) },
  };
  const asked = [];
  const psd = await roundTrip(scene, photo, {
    matte: async ({ id }) => {
      asked.push(id);
      return id === 1 ? matte : undefined;
    },
  });
  assert.deepEqual(asked, [1, 2, 3, 4, 5, 6]);
  const layers = [...flat(psd.children)];
  const { left, top, right, bottom, imageData } = layers.find(({ name }) => name === 'Entity 1');
  assert.deepEqual([left, top, right, bottom], [1, 1, 3, 2]);
  const expected = [255, 255, 255, 50, ...photo.data.slice(32, 35), 128];
  assert.deepEqual([...imageData.data], expected);
  const part = layers.find(({ name }) => name === 'Part 5');
  assert.deepEqual([...part.imageData.data], [...photo.data.slice(20, 24)]);
});

test('a matte that cannot be used, or cannot be made, makes the call fail', async () => {
  const matte = { width: 4, height: 6, data: new Uint8ClampedArray(24), colors: null };
  await assert.rejects(sceneToPsd(scene, photo, { matte: () => matte }), { code: 'size-mismatch' });
  const fail = async () => {
    throw new SegmenterError('aborted', 'The call was aborted.');
  };
  await assert.rejects(sceneToPsd(scene, photo, { matte: fail }), { code: 'aborted' });
});

test('names are as asked for, in all scripts and lengths', async () => {
  const long = 'x'.repeat(300);
  const psd = await roundTrip(scene, photo, {
    name: ({ id }) => (id === 1 ? 'Tasse "ü" 杯' : id === 2 ? long : `n${id}`),
  });
  assert.deepEqual(treeOf(psd.children), [
    'Photo',
    ['Relations', ['n6']],
    [long, [long, 'n4', 'n3']],
    'Tasse "ü" 杯',
    'n5',
  ]);
});

test('empty scenes, empty masks and full masks work', async () => {
  assert.deepEqual(treeOf((await roundTrip({ ...scene, masks: [] }, photo)).children), ['Photo']);
  const empty = mask(1, 'entity', ['......', '......', '......', '......']);
  const full = mask(2, 'part', ['######', '######', '######', '######'], { parent: 9 });
  const psd = await roundTrip({ ...scene, masks: [empty, full] }, photo);
  assert.deepEqual(treeOf(psd.children), ['Photo', 'Entity 1', 'Part 2']);
  assert.deepEqual([...psd.children[2].imageData.data], [...photo.data]);
});

test('photos of another size, and scenes that PSD cannot hold, are refused', async () => {
  const refuses = (code, ...args) =>
    assert.rejects(
      sceneToPsd(...args),
      (error) => error instanceof SegmenterError && error.code === code,
    );
  await refuses('size-mismatch', scene, photoOf(4, 6));
  await refuses('image-too-large', { width: 30001, height: 1, masks: [] }, photoOf(30001, 1));
  await refuses('unsupported-image', scene, new Blob(['not decoded']));
});

test('the photo is as it was at the time of the call', async () => {
  const changing = photoOf(6, 4);
  const call = roundTrip(scene, changing);
  changing.data.fill(0);
  assert.deepEqual([...(await call).imageData.data], [...photo.data]);
});

test('without ag-psd, the error says what to install', async () => {
  // From this folder, Node finds no packages.
  const folder = await mkdtemp(join(tmpdir(), 'aims-web-'));
  try {
    await writeFile(join(folder, 'package.json'), '{"type": "module"}');
    await cp(fileURLToPath(new URL('../dist', import.meta.url)), join(folder, 'dist'), {
      recursive: true,
    });
    const alone = await import(pathToFileURL(join(folder, 'dist', 'psd.js')));
    await assert.rejects(alone.sceneToPsd(scene, photo), {
      code: 'unsupported-environment',
      message: /npm install ag-psd/,
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
