// Tests what is drawn, with stand-ins for the classes that Node lacks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cutOut,
  maskToAlpha,
  maskToImageBitmap,
  maskToImageData,
  maskToPath2D,
  maskToPolygons,
} from '../dist/index.js';
import { assortedMasks, FakeImageData, maskOf, photoOf, textMask } from '../testing/masks.js';

/** Records a path as rings of corners. */
class FakePath2D {
  rings = [];
  closed = 0;

  moveTo(x, y) {
    this.rings.push([x, y]);
  }

  lineTo(x, y) {
    this.rings.at(-1).push(x, y);
  }

  closePath() {
    this.closed++;
  }
}

/** A canvas that can put pixels, and draw photos at their own size. */
class FakeCanvas {
  globalCompositeOperation = 'source-over';

  constructor(width, height) {
    Object.assign(this, { width, height, pixels: new Uint8ClampedArray(4 * width * height) });
  }

  getContext(kind) {
    assert.equal(kind, '2d');
    return this;
  }

  putImageData(image, x, y) {
    assert.deepEqual([image.width, image.height, x, y], [this.width, this.height, 0, 0]);
    this.pixels.set(image.data);
  }

  drawImage(photo, left, top, width, height) {
    assert.equal(this.globalCompositeOperation, 'source-in');
    assert.deepEqual([width, height], [photo.width, photo.height]);
    for (let i = 0; i < this.width * this.height; i++) {
      const from = 4 * ((Math.floor(i / this.width) - top) * width + (i % this.width) - left);
      const alpha = this.pixels[4 * i + 3];
      this.pixels.set(photo.data.subarray(from, from + 3), 4 * i);
      this.pixels[4 * i + 3] = (photo.data[from + 3] * alpha) / 255;
    }
  }
}

globalThis.ImageData ??= FakeImageData;
globalThis.Path2D ??= FakePath2D;
globalThis.OffscreenCanvas ??= FakeCanvas;
globalThis.createImageBitmap ??= async (image) => ({ of: image });

test('masks are painted in a colour', async () => {
  const mask = textMask('.#', '##', '..');
  const image = maskToImageData(mask, [1, 2, 3, 4]);
  assert.deepEqual([image.width, image.height], [2, 3]);
  assert.deepEqual(
    [...image.data],
    [0, 0, 0, 0, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0],
  );
  assert.deepEqual([...maskToImageData(textMask('#')).data], [255, 255, 255, 255]);
  const bitmap = await maskToImageBitmap(mask, [1, 2, 3, 4]);
  assert.deepEqual(bitmap.of.data, image.data);
});

test('paths have the rings of the polygons, closed', () => {
  for (const tolerance of [undefined, 0, 1.5]) {
    for (const [pixels, width] of assortedMasks()) {
      const mask = maskOf(pixels, width);
      const path = maskToPath2D(mask, { tolerance });
      const rings = maskToPolygons(mask, { tolerance }).flatMap(({ outer, holes }) => [
        outer,
        ...holes,
      ]);
      const sorted = (list) => list.map((ring) => ring.join()).sort();
      assert.deepEqual(sorted(path.rings), sorted(rings));
      assert.equal(path.closed, rings.length);
    }
  }
});

test('a cut-out is the photo inside the mask, cropped', () => {
  const mask = textMask('......', '..##..', '...#..', '......');
  const photo = photoOf(6, 4);
  const pixel = (x, y) => [...photo.data.slice(4 * (y * 6 + x), 4 * (y * 6 + x) + 4)];
  const canvas = cutOut(photo, mask);
  assert.deepEqual([canvas.width, canvas.height], [2, 2]);
  assert.deepEqual([...canvas.pixels.slice(0, 8)], [pixel(2, 1), pixel(3, 1)].flat());
  assert.equal(canvas.pixels[11], 0);
  assert.deepEqual([...canvas.pixels.slice(12)], pixel(3, 2));
});

test('a cut-out with a soft edge has the alpha of the mask', () => {
  for (const [pixels, width] of assortedMasks()) {
    const options = { feather: 3, shiftEdge: -0.5 };
    const mask = maskOf(pixels, width);
    const height = pixels.length / width;
    const canvas = cutOut(photoOf(width, height), mask, options);
    const visible = maskToAlpha(mask, options).data.filter((alpha) => alpha > 0);
    assert.deepEqual(
      canvas.pixels.filter((alpha, i) => i % 4 === 3 && alpha > 0),
      visible,
    );
  }
});

test('the cut-out of an empty mask is one transparent pixel', () => {
  const canvas = cutOut(photoOf(2, 2), textMask('..', '..'));
  assert.deepEqual([canvas.width, canvas.height, ...canvas.pixels], [1, 1, 0, 0, 0, 0]);
});
