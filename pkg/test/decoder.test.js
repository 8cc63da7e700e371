// Files that the module does not decode: whose turn it is, and what counts as animated.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Host } from '../dist/engine/host.js';
import { isAnimated } from '../dist/photo/animation.js';
import { picture } from '../testing/pictures.js';

const FILE = new Blob(['a file of another format']);
let asked;
let bitmap;
beforeEach(() => {
  asked = [];
  bitmap = picture('ImageBitmap', 4, 3, 7, {
    isClosed: false,
    close: () => (bitmap.isClosed = true),
  });
  globalThis.createImageBitmap = async (file, ...options) => {
    asked.push([await file.text(), ...options]);
    return bitmap;
  };
});

/** What a host answers to setImage of the file, and the pixels that the module got, where its decoder gives this error. */
async function setImage(code, file = FILE) {
  let pixels;
  const features = (width, height) => ({ width, height, free() {} });
  const engine = {
    adapter: () => ({ name: 'stand-in', software: false, precision: 'f32' }),
    setImageBytes: async (bytes, checkpoint) => {
      if (code) throw { code, message: `the module says ${code}` };
      if (!(await checkpoint(0.1))) throw { code: 'aborted', message: 'The work was cancelled.' };
      return features(1, 1);
    },
    setImageRgba: async (bytes, width, height, checkpoint) => {
      await checkpoint(0.5);
      pixels = [...new Set(bytes)];
      assert.equal(bytes.length, 4 * width * height);
      return features(width, height);
    },
  };
  const answers = [];
  const answer = await new Promise((resolve) => {
    const post = (message) =>
      answers.push(message) && message.id === 2 && message.type !== 'progress' && resolve(message);
    const host = new Host(post, undefined, async () => ({
      engine: { create: async () => engine },
      memory: {},
    }));
    const model = { file: new Blob([]), checked: true };
    host.receive({ type: 'call', id: 1, call: 'createEngine', args: { device: 'cpu', model } });
    host.receive({
      type: 'call',
      id: 2,
      call: 'setImage',
      args: { image: { format: 'file', file } },
    });
  });
  return {
    answer,
    pixels,
    progress: answers.filter(({ type, id }) => type === 'progress' && id === 2).length,
  };
}

for (const code of ['unsupported-image', 'sixteen-bit-image']) {
  test(`the browser decodes what is ${code} to the module, upright and whole`, async () => {
    const { answer, pixels, progress } = await setImage(code);
    assert.deepEqual(answer, {
      type: 'result',
      id: 2,
      result: { imageId: 1, width: 4, height: 3 },
    });
    assert.deepEqual(pixels, [7]);
    assert.ok(progress > 0);
    assert.deepEqual(asked, [[await FILE.text(), { imageOrientation: 'from-image' }]]);
    assert.ok(bitmap.isClosed);
  });
}

test('what the module decodes, and what it finds damaged, animated or too large, is not shown to the browser', async () => {
  assert.deepEqual((await setImage()).answer.result, { imageId: 1, width: 1, height: 1 });
  for (const code of [
    'corrupt-image',
    'animated-image',
    'image-too-large',
    'empty-image',
    'aborted',
  ]) {
    assert.equal((await setImage(code)).answer.error.code, code);
  }
  assert.deepEqual(asked, []);
});

/** Its orientation is not upright, which is all that is looked for. */
const TURNED = new Blob([
  'RIFF\x26\0\0\0WEBPEXIF\x1a\0\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0',
]);

test('the browser decodes what it may show differently, once the module has found it whole', async () => {
  const { answer, pixels } = await setImage(undefined, TURNED);
  assert.deepEqual(answer.result, { imageId: 1, width: 4, height: 3 });
  assert.deepEqual(pixels, [7]);
  assert.equal((await setImage('corrupt-image', TURNED)).answer.error.code, 'corrupt-image');
  assert.equal(asked.length, 1);
});

test('the module decodes what the browser shows differently and cannot decode', async () => {
  globalThis.createImageBitmap = async () => {
    throw new DOMException('The source image could not be decoded.', 'InvalidStateError');
  };
  assert.deepEqual((await setImage(undefined, TURNED)).answer.result, {
    imageId: 1,
    width: 1,
    height: 1,
  });
});

test('the module decodes what the browser shows differently and cannot draw, as it has too many pixels for its canvas', async () => {
  Object.assign(bitmap, { width: 6000 });
  const { answer, pixels } = await setImage(undefined, TURNED);
  assert.deepEqual(answer.result, { imageId: 1, width: 1, height: 1 });
  assert.equal(pixels, undefined);
  assert.ok(bitmap.isClosed);
  assert.equal((await setImage('sixteen-bit-image', TURNED)).answer.error.code, 'image-too-large');
});

test('what neither decodes is the error of the module', async () => {
  globalThis.createImageBitmap = async () => {
    throw new DOMException('The source image could not be decoded.', 'InvalidStateError');
  };
  assert.deepEqual((await setImage('sixteen-bit-image')).answer.error, {
    code: 'sixteen-bit-image',
    message: 'the module says sixteen-bit-image',
  });
});

test('a browser that does not know the option is asked without it', async () => {
  globalThis.createImageBitmap = async (file, options) => {
    if (options)
      throw new TypeError("'from-image' is not a valid value for enumeration ImageOrientation");
    return bitmap;
  };
  assert.deepEqual((await setImage('unsupported-image')).pixels, [7]);
});

test('a picture that is larger than the limit is closed again', async () => {
  Object.assign(bitmap, { width: 10_000, height: 10_000 });
  assert.equal((await setImage('unsupported-image')).answer.error.code, 'image-too-large');
  assert.ok(bitmap.isClosed);
});

const text = (chars) => [...chars].map((char) => char.charCodeAt(0));
const FRAME = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0x80, ...Array(6).fill(0x2c), 2, 2, 0x44, 1, 0]; // with a table of colours
const COMMENT = [0x21, 0xfe, 3, 0x2c, 0x2c, 0x2c, 0];
const gif = (...blocks) =>
  Uint8Array.from([
    ...text('GIF89a'),
    1,
    0,
    1,
    0,
    0x80,
    0,
    0,
    ...Array(6).fill(0x2c),
    ...blocks.flat(),
    0x3b,
  ]);
const ftyp = (...brands) =>
  Uint8Array.from([
    0,
    0,
    0,
    12 + 4 * brands.length,
    ...text(`ftyp${brands[0]}`),
    0,
    0,
    0,
    0,
    ...text(brands.slice(1).join('')),
    ...text('avis'),
  ]);

test('a file of several pictures is animated', async () => {
  for (const still of [
    gif(FRAME),
    gif(COMMENT, FRAME, COMMENT),
    gif(),
    ftyp('avif', 'mif1'),
    ftyp('heic', 'mif1', 'hevc'),
    Uint8Array.of(),
    Uint8Array.of(0x47, 0x49),
  ]) {
    assert.equal(isAnimated(still), false, String(still));
  }
  const files = [
    gif(FRAME, FRAME),
    gif(COMMENT, FRAME, COMMENT, FRAME),
    ftyp('avis', 'avif'),
    ftyp('avif', 'mif1', 'avis'),
    ftyp('hevc', 'msf1'),
    ftyp('msf1', 'hevc'),
  ];
  for (const file of files) assert.equal(isAnimated(file), true, String(file));
  assert.equal(
    (await setImage('unsupported-image', new Blob([files[0]]))).answer.error.code,
    'animated-image',
  );
  assert.deepEqual(asked, []);
});

test('a GIF that is cut is animated if its second picture has begun', () => {
  const whole = gif(COMMENT, FRAME, FRAME);
  const second = whole.length - 1 - FRAME.length;
  for (let length = 0; length <= whole.length; length++)
    assert.equal(isAnimated(whole.subarray(0, length)), length > second, `${length} bytes`);
});
