// Tests cut-outs along masks and mattes, with stand-ins for the classes that Node lacks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutOut, cutOutBox, maskToAlpha } from '../dist/index.js';
import { assortedMasks, FakeImageData, maskOf, photoOf, textMask } from '../testing/masks.js';

/** A canvas that can put pixels, and draw photos and other canvases at their own size. */
class FakeCanvas {
  globalCompositeOperation = 'source-over';

  constructor(width, height) {
    Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) });
  }

  getContext(kind) {
    assert.equal(kind, '2d');
    return this;
  }

  putImageData(image, x, y) {
    assert.deepEqual([image.width, image.height, x, y], [this.width, this.height, 0, 0]);
    this.data.set(image.data);
  }

  drawImage(source, left, top, width = source.width, height = source.height) {
    assert.deepEqual([width, height], [source.width, source.height]);
    for (let i = 0; i < this.width * this.height; i++) {
      const [x, y] = [(i % this.width) - left, Math.floor(i / this.width) - top];
      const isThere = x >= 0 && y >= 0 && x < width && y < height;
      const pixel = isThere ? source.data.subarray(4 * (y * width + x)) : [0, 0, 0, 0];
      const alpha = this.data[4 * i + 3];
      if (this.globalCompositeOperation === 'source-in') {
        this.data.set([...pixel.slice(0, 3), (pixel[3] * alpha) / 255], 4 * i);
      } else {
        assert.equal(this.globalCompositeOperation, 'source-atop');
        assert.ok([0, 255].includes(pixel[3]), 'this stand-in blends nothing');
        if (pixel[3] > 0) this.data.set(pixel.slice(0, 3), 4 * i);
      }
    }
  }
}

globalThis.ImageData ??= FakeImageData;
globalThis.OffscreenCanvas ??= FakeCanvas;

test('a cut-out is the photo inside the mask, cropped', () => {
  const mask = textMask('......', '..##..', '...#..', '......');
  const photo = photoOf(6, 4);
  const pixel = (x, y) => [...photo.data.slice(4 * (y * 6 + x), 4 * (y * 6 + x) + 4)];
  const canvas = cutOut(photo, mask);
  assert.deepEqual([canvas.width, canvas.height], [2, 2]);
  assert.deepEqual([...canvas.data.slice(0, 8)], [pixel(2, 1), pixel(3, 1)].flat());
  assert.equal(canvas.data[11], 0);
  assert.deepEqual([...canvas.data.slice(12)], pixel(3, 2));
});

test('a cut-out with a soft edge has the alpha of the mask', () => {
  for (const [pixels, width] of assortedMasks()) {
    const options = { feather: 3, shiftEdge: -0.5 };
    const mask = maskOf(pixels, width);
    const height = pixels.length / width;
    const canvas = cutOut(photoOf(width, height), mask, options);
    const visible = maskToAlpha(mask, options).data.filter((alpha) => alpha > 0);
    assert.deepEqual(
      canvas.data.filter((alpha, i) => i % 4 === 3 && alpha > 0),
      visible,
    );
  }
});

test('the cut-out of an empty mask is one transparent pixel', () => {
  const canvas = cutOut(photoOf(2, 2), textMask('..', '..'));
  assert.deepEqual([canvas.width, canvas.height, ...canvas.data], [1, 1, 0, 0, 0, 0]);
});

const MASK = textMask('......', '..##..', '..##..', '......');
/** A matte of that mask, whose soft pixels are red. */
const MATTE = {
  width: 6,
  height: 4,
  // biome-ignore format: the numbers are a picture
  data: Uint8ClampedArray.of(
    0,   0,   0,   0, 0, 0,
    0, 128, 255,  64, 0, 0,
    0,   0, 255, 255, 0, 0,
    0,   0,   0,   0, 0, 0,
  ),
  colors: {
    box: [1, 1, 3, 1],
    data: Uint8ClampedArray.of(200, 0, 0, 255, 0, 0, 0, 0, 210, 0, 0, 255),
  },
};

test('a cut-out with a matte has its alpha, and its colours in soft pixels', () => {
  const photo = photoOf(6, 4);
  const colorOf = (x, y) => [...photo.data.slice(4 * (y * 6 + x), 4 * (y * 6 + x) + 3)];
  const canvas = cutOut(photo, MASK, { matte: MATTE });
  assert.deepEqual(cutOutBox(MASK, { matte: MATTE }), [1, 1, 3, 2]);
  assert.deepEqual([canvas.width, canvas.height], [3, 2]);
  const rows = [
    [200, 0, 0, 128, ...colorOf(2, 1), 255, 210, 0, 0, 64],
    [...colorOf(1, 2), 0, ...colorOf(2, 2), 255, ...colorOf(3, 2), 255],
  ];
  assert.deepEqual([...canvas.data], rows.flat());
});

test('soft pixels keep the colours of the photo if that is asked for, or if the matte has none', () => {
  const photo = photoOf(6, 4);
  const kept = cutOut(photo, MASK, { matte: MATTE, colors: 'photo' });
  assert.deepEqual([...kept.data.slice(0, 3)], [...photo.data.slice(4 * 7, 4 * 7 + 3)]);
  const without = cutOut(photo, MASK, { matte: { ...MATTE, colors: null } });
  assert.deepEqual(without.data, kept.data);
});

test('the alpha of a photo and that of a matte are multiplied', () => {
  const { data } = cutOut(photoOf(6, 4, 128), MASK, { matte: MATTE });
  assert.deepEqual([data[3], data[7], data[11]], [64, 128, 32]);
});

test('a matte without anything in it gives one transparent pixel', () => {
  const matte = { ...MATTE, data: new Uint8ClampedArray(24), colors: null };
  const { width, height, data } = cutOut(photoOf(6, 4), MASK, { matte });
  assert.deepEqual([width, height, ...data], [1, 1, 0, 0, 0, 0]);
});

test('a matte of another size, or one that is to be softened, is refused', () => {
  const matte = { ...MATTE, width: 4, height: 6 };
  assert.throws(() => cutOut(photoOf(6, 4), MASK, { matte }), { code: 'size-mismatch' });
  for (const edge of [{ feather: 2 }, { shiftEdge: -1 }])
    assert.throws(() => cutOutBox(MASK, { matte: MATTE, ...edge }), TypeError);
  assert.deepEqual(cutOutBox(MASK, { matte: MATTE, feather: 0, shiftEdge: 0 }), [1, 1, 3, 2]);
});
