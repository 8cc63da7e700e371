// Tests files that the wasm module does not decode: who decodes them, and what counts as animated.
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

/**
 * Gives the host's answer to setImage of the file, and the pixels that the module got. The module's
 * decoder fails with this error code.
 */
async function setImage(code, file = FILE) {
  let pixels;
  const features = (width, height) => ({ width, height, free() {} });
  const photo = {
    decode: () => {
      if (code) throw { code, message: `the module says ${code}` };
      return features(1, 1);
    },
    fromRgba: (bytes, width, height) => {
      pixels = [...new Set(bytes)];
      assert.equal(bytes.length, 4 * width * height);
      return features(width, height);
    },
  };
  const engine = {
    adapter: () => ({ name: 'stand-in', software: false, precision: 'f32' }),
    encode: async ({ width, height }, checkpoint) => {
      await checkpoint(0.5);
      return features(width, height);
    },
  };
  const answers = [];
  const answer = await new Promise((resolve) => {
    const post = (message) =>
      answers.push(message) && message.id === 2 && message.type !== 'progress' && resolve(message);
    const host = new Host(post, undefined, async () => ({
      engine: { create: async () => engine },
      photo,
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
  test(`the browser decodes what the module calls ${code}, upright and whole`, async () => {
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

test('the browser gets no file that the module decodes or finds damaged, animated or too large', async () => {
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

/** Its orientation is not upright. Only that is looked at. */
const TURNED = new Blob([
  'RIFF\x26\0\0\0WEBPEXIF\x1a\0\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0',
]);

test('the browser decodes what it may show differently, after the module has checked it', async () => {
  const { answer, pixels } = await setImage(undefined, TURNED);
  assert.deepEqual(answer.result, { imageId: 1, width: 4, height: 3 });
  assert.deepEqual(pixels, [7]);
  assert.equal((await setImage('corrupt-image', TURNED)).answer.error.code, 'corrupt-image');
  assert.equal(asked.length, 1);
});

test('the module decodes what the browser may show differently but cannot decode', async () => {
  globalThis.createImageBitmap = async () => {
    throw new DOMException('The source image could not be decoded.', 'InvalidStateError');
  };
  assert.deepEqual((await setImage(undefined, TURNED)).answer.result, {
    imageId: 1,
    width: 1,
    height: 1,
  });
});

test('the module decodes what the browser may show differently but has too many pixels for its canvas', async () => {
  Object.assign(bitmap, { width: 6000 });
  const { answer, pixels } = await setImage(undefined, TURNED);
  assert.deepEqual(answer.result, { imageId: 1, width: 1, height: 1 });
  assert.equal(pixels, undefined);
  assert.ok(bitmap.isClosed);
  assert.equal((await setImage('sixteen-bit-image', TURNED)).answer.error.code, 'image-too-large');
});

test('if neither can decode a file, the error is that of the module', async () => {
  globalThis.createImageBitmap = async () => {
    throw new DOMException('The source image could not be decoded.', 'InvalidStateError');
  };
  assert.deepEqual((await setImage('sixteen-bit-image')).answer.error, {
    code: 'sixteen-bit-image',
    message: 'the module says sixteen-bit-image',
  });
});

test('a browser that does not know the option decodes without it', async () => {
  globalThis.createImageBitmap = async (file, options) => {
    if (options)
      throw new TypeError("'from-image' is not a valid value for enumeration ImageOrientation");
    return bitmap;
  };
  assert.deepEqual((await setImage('unsupported-image')).pixels, [7]);
});

test('the bitmap of a photo that is larger than the limit is closed', async () => {
  Object.assign(bitmap, { width: 10_000, height: 10_000 });
  assert.equal((await setImage('unsupported-image')).answer.error.code, 'image-too-large');
  assert.ok(bitmap.isClosed);
});

const text = (chars) => [...chars].map((char) => char.charCodeAt(0));
// A frame with a table of colours.
const FRAME = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0x80, ...Array(6).fill(0x2c), 2, 2, 0x44, 1, 0];
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

test('a file with several frames is animated', async () => {
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

test('a GIF that is cut short is animated if its second frame has begun', () => {
  const whole = gif(COMMENT, FRAME, FRAME);
  const second = whole.length - 1 - FRAME.length;
  for (let length = 0; length <= whole.length; length++)
    assert.equal(isAnimated(whole.subarray(0, length)), length > second, `${length} bytes`);
});
