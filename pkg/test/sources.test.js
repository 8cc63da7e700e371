// Tests what setImage takes, and when it reads the pixels.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { beforeEach, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { toProgram } from '../dist/engine/logit-bytes.js';
import { loadModel } from '../dist/model/load.js';
import { another, bitmaps, imageElement, images, picture, pixels } from '../testing/pictures.js';
import { create, StandIn, tick } from '../testing/worker.js';

let segmenter;
beforeEach(async () => {
  segmenter = await create();
  images.length = 0;
  bitmaps.length = 0;
});

/** Gives the image that was sent to the worker last. */
const sent = () => StandIn.all[0].calls('setImage').at(-1)?.args.image;
async function sentPixels() {
  const { format, width, height, pixels } = sent();
  assert.equal(format, 'rgba');
  return {
    width,
    height,
    values: [...new Set(new Uint8Array(await pixels.arrayBuffer()))],
    bytes: pixels.size,
  };
}
const of = (width, height, value) => ({
  width,
  height,
  values: [value],
  bytes: 4 * width * height,
});

test('the pixels of an ImageData are those at the time of the call', async () => {
  const image = another('ImageData', { width: 2, height: 3, data: pixels(2, 3, 7) });
  const call = segmenter.setImage(image);
  image.data.fill(0);
  await call;
  assert.deepEqual(await sentPixels(), of(2, 3, 7));
});

test('an ImageData in another colour space is converted at the time of the call', async () => {
  const image = another('ImageData', {
    width: 2,
    height: 3,
    data: pixels(2, 3, 7),
    colorSpace: 'display-p3',
  });
  const call = segmenter.setImage(image);
  image.data.fill(0);
  await call;
  assert.deepEqual(await sentPixels(), of(2, 3, 8));
  await segmenter.setImage(
    another('ImageData', { width: 2, height: 3, data: pixels(2, 3, 7), colorSpace: 'srgb' }),
  );
  assert.deepEqual(await sentPixels(), of(2, 3, 7));
});

test('a buffer may be transferred after the call, but not before', async () => {
  const image = another('ImageData', { width: 2, height: 3, data: pixels(2, 3, 7) });
  const call = segmenter.setImage(image);
  structuredClone(image.data, { transfer: [image.data.buffer] });
  await call;
  assert.deepEqual(await sentPixels(), of(2, 3, 7));
  await assert.rejects(segmenter.setImage(image), { code: 'empty-image', message: /transferred/ });
});

test('the pixels of sources that can change are those at the time of the call', async () => {
  for (const kind of ['HTMLCanvasElement', 'OffscreenCanvas', 'ImageBitmap']) {
    const source = picture(kind, 4, 3, 5);
    const call = segmenter.setImage(source);
    Object.assign(source, { value: 0, width: 0, height: 0 });
    await call;
    assert.deepEqual(await sentPixels(), of(4, 3, 5), kind);
  }
});

test('objects of another window are accepted', async () => {
  const sources = [
    picture('HTMLCanvasElement', 4, 3, 1),
    picture('OffscreenCanvas', 4, 3, 2),
    picture('ImageBitmap', 4, 3, 3),
    picture('VideoFrame', 8, 8, 4, { displayWidth: 4, displayHeight: 3 }),
    picture('HTMLVideoElement', 0, 0, 5, { readyState: 4, videoWidth: 4, videoHeight: 3 }),
    imageElement(6),
    another('ImageData', {
      width: 4,
      height: 3,
      data: runInNewContext('new Uint8ClampedArray(48).fill(7)'),
    }),
  ];
  for (const [index, source] of sources.entries()) {
    await segmenter.setImage(source);
    assert.deepEqual(await sentPixels(), of(4, 3, index + 1));
  }
  for (const kind of ['Blob', 'File']) {
    const file = another(kind, {});
    await segmenter.setImage(file);
    assert.deepEqual(sent(), { format: 'file', file });
  }
});

test('a source that is not an image is an error', async () => {
  for (const source of [
    'photo.jpg',
    undefined,
    null,
    {},
    [],
    new Date(),
    another('HTMLDivElement', {}),
    another('toString', {}),
  ]) {
    await assert.rejects(segmenter.setImage(source), {
      code: 'unsupported-image',
      message: /setImage takes a Blob/,
    });
  }
  const wide = another('ImageData', { width: 1, height: 1, data: new Float32Array(4) });
  await assert.rejects(segmenter.setImage(wide), { code: 'sixteen-bit-image' });
});

test('bytes and logits of another window are accepted', async () => {
  for (const expression of [
    'new Uint8Array(9).fill(3)',
    'new Uint8Array(9).fill(3).buffer',
    'new DataView(new Uint8Array(9).fill(3).buffer)',
  ]) {
    const { file } = await loadModel({ model: runInNewContext(expression) });
    assert.deepEqual([...new Uint8Array(await file.arrayBuffer())], Array(9).fill(3));
  }
  const previous = { columns: 1, rows: 2, values: runInNewContext('Float32Array.of(1, -1)') };
  assert.equal(toProgram({ points: [], previous }).previous.values.length, 8);
  assert.throws(() => toProgram({ points: [], previous: { ...previous, values: [1, -1] } }), {
    code: 'invalid-prompt',
  });
});

test('a video gives the frame that it shows, and it is an error if there is none', async () => {
  const video = picture('HTMLVideoElement', 300, 150, 5, {
    readyState: 1,
    videoWidth: 4,
    videoHeight: 3,
  });
  await assert.rejects(segmenter.setImage(video), {
    code: 'empty-image',
    message: /loadeddata.*seeked/,
  });
  video.readyState = 2;
  await segmenter.setImage(video);
  assert.deepEqual(await sentPixels(), of(4, 3, 5));
  video.videoWidth = 0;
  await assert.rejects(segmenter.setImage(video), { code: 'empty-image' });
});

test('an abort does not wait for an <img> to load, and nothing is left', async () => {
  const element = imageElement(5, { complete: false });
  const controller = new AbortController();
  const call = segmenter.setImage(element, { signal: controller.signal });
  await tick();
  controller.abort();
  await assert.rejects(call, { code: 'aborted', name: 'AbortError' });
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  element.fail(new DOMException('no picture', 'EncodingError'));
  await tick();
  assert.equal(sent(), undefined);
});

test('closing does not wait for an <img> to load', async () => {
  const element = imageElement(5, { complete: false });
  const call = segmenter.setImage(element);
  await tick();
  segmenter.close();
  await assert.rejects(call, { code: 'closed' });
  element.come();
  await tick();
  assert.equal(sent(), undefined);
});

test('an <img> that loads lazily and has not loaded yet is loaded by its address', async () => {
  const element = imageElement(5, {
    loading: 'lazy',
    complete: false,
    src: 'https://page.example/photo.jpg',
  });
  await segmenter.setImage(element);
  assert.deepEqual(await sentPixels(), of(4, 3, 9));
  assert.deepEqual(
    images.map(({ src, crossOrigin }) => [src, crossOrigin]),
    [['https://page.example/photo.jpg', 'anonymous']],
  );
  assert.equal(element.loading, 'lazy');
  await segmenter.setImage(imageElement(6, { loading: 'lazy' }));
  assert.deepEqual(await sentPixels(), of(4, 3, 6));
  assert.equal(images.length, 1);
});

test('an <img> gives all pixels of its file, not those of its natural size', async () => {
  await segmenter.setImage(imageElement(5, { width: 4, height: 3, file: [8, 6] }));
  assert.deepEqual(await sentPixels(), of(8, 6, 5));
  await segmenter.setImage(imageElement(6, { width: 4, height: 3, file: undefined }));
  assert.deepEqual(await sentPixels(), of(4, 3, 6));
  assert.ok(bitmaps.every(({ isClosed }) => isClosed));
});

test('a broken <img>, pixels of other sites, and too many pixels for the memory are errors', async () => {
  const broken = imageElement(5, { complete: false });
  const call = segmenter.setImage(broken);
  broken.fail(new DOMException('no picture', 'EncodingError'));
  await assert.rejects(call, { code: 'corrupt-image' });
  await assert.rejects(segmenter.setImage(picture('ImageBitmap', 4, 3, 5, { isForeign: true })), {
    code: 'unsupported-image',
    message: /crossorigin/,
  });
  await assert.rejects(segmenter.setImage(picture('ImageBitmap', 6000, 8000, 5)), {
    code: 'image-too-large',
    message: /Out of memory/,
  });
  await assert.rejects(segmenter.setImage(picture('ImageBitmap', 10_001, 10_000, 5)), {
    code: 'image-too-large',
    message: /100 megapixels/,
  });
  await assert.rejects(segmenter.setImage(picture('ImageBitmap', 0, 0, 5)), {
    code: 'empty-image',
  });
});

test('closing and aborting do not wait for a restart', async () => {
  const image = await segmenter.setImage(new Blob(['photo']));
  StandIn.all[0].send({ type: 'lost', message: 'gone' });
  await tick();
  StandIn.silent.add('createEngine');
  const controller = new AbortController();
  const aborted = segmenter.setImage(new Blob(['photo']), { signal: controller.signal });
  const calls = [segmenter.setImage(new Blob(['photo'])), image.segment(), segmenter.memory()];
  await tick();
  controller.abort();
  await assert.rejects(aborted, { code: 'aborted' });
  segmenter.close();
  for (const call of calls) await assert.rejects(call, { code: 'closed' });
  await tick();
  assert.ok(StandIn.all.every(({ terminated }) => terminated));
});
