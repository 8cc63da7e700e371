import { decodeInBrowser } from '../dist/photo/browser-decoder.js';
import { BOX, bytesOf, create, expect, failure, fetchJson, photo, skip } from './package.js';

describe('files', () => {
  let files;
  let segmenter;

  before(async () => {
    files = await fetchJson('/test/files');
    segmenter = await create();
  });
  after(() => segmenter?.close());

  const sizeOf = async (source) => {
    const image = await segmenter.setImage(source);
    image.close();
    return [image.width, image.height];
  };
  const elementOf = async (file) => {
    const element = Object.assign(new Image(), { src: URL.createObjectURL(file) });
    await element.decode();
    return element;
  };

  /** The photo with this after the first two bytes of its file. */
  const withSegment = async (segment) => {
    const jpeg = await photo.arrayBuffer();
    const parts = new Blob([jpeg.slice(0, 2), new Uint8Array(segment), jpeg.slice(2)]);
    // Of one part: Firefox makes no bitmap of others.
    return new Blob([await parts.arrayBuffer()], { type: 'image/jpeg' });
  };

  const turned = {
    jpeg: () => withSegment(files.turned.jpeg),
    webp: () => new Blob([bytesOf(files.turned.webp)], { type: 'image/webp' }),
    png: () => new Blob([bytesOf(files.turned.png)], { type: 'image/png' }),
  };
  for (const [name, make] of Object.entries(turned)) {
    it(`a ${name} file with an EXIF orientation has the size of its bitmap and its <img>`, async () => {
      const file = await make();
      const element = await elementOf(file);
      const bitmap = await createImageBitmap(file);
      const size = [element.naturalWidth, element.naturalHeight];
      expect([bitmap.width, bitmap.height]).to.deep.equal(size);
      for (const source of [file, bitmap, element]) expect(await sizeOf(source)).to.deep.equal(size);
      if (name === 'jpeg') expect(size).to.deep.equal([300, 451]); // which all browsers turn
    });
  }

  for (const name of ['avif', 'gif', 'bmp', 'png']) {
    it(`${name === 'png' ? '16-bit PNG' : name.toUpperCase()}, which the browser decodes, has the right pixels`, async function () {
      const bytes = bytesOf(files.known[name]);
      const file = new Blob([bytes.slice(0, 2), bytes.slice(2)], { type: `image/${name}` });
      const isShown = await elementOf(file).then(() => true, () => false);
      if (!isShown) skip(this, `this browser does not show ${name.toUpperCase()} files`);
      expect(await sizeOf(file)).to.deep.equal([24, 16]);
      // What the worker calls: a light rectangle on a dark ground.
      const { data, width, height } = await decodeInBrowser(file, bytes);
      expect([width, height]).to.deep.equal([24, 16]);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const isInside = x >= 6 && x < 18 && y >= 4 && y < 12;
          const isLight = data[4 * (y * width + x) + 1] > 128;
          expect(isLight, `${x}, ${y}`).to.equal(isInside);
        }
      }
      expect(data[3]).to.equal(255);
    });
  }

  it('a JPEG file with a colour profile has the colours of its bitmap', async () => {
    const file = await withSegment(files.profile);
    const scenes = [];
    for (const source of [file, await createImageBitmap(file)]) scenes.push(await (await segmenter.setImage(source)).segment({ prompt: BOX }));
    expect(scenes[0].masks.length).to.equal(1);
    expect(scenes[0]).to.deep.equal(scenes[1]);
  });

  it('what is no picture, damaged or animated is refused with a code', async () => {
    const closed = await createImageBitmap(photo);
    closed.close();
    const bad = {
      'unsupported-image': [new Blob(['text']), 'text'],
      'empty-image': [new Blob([]), closed],
      'corrupt-image': [photo.slice(0, 9000), Object.assign(new Image(), { src: URL.createObjectURL(new Blob(['text'])) })],
      'animated-image': [new Blob([bytesOf(files.animated)])],
    };
    for (const [code, sources] of Object.entries(bad)) {
      for (const source of sources) expect(await failure(segmenter.setImage(source))).to.equal(code);
    }
  });
});
