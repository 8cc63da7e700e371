import { decodeInBrowser } from '../dist/photo/browser-decoder.js';
import {
  BOX,
  bytesOf,
  create,
  cutOut,
  expect,
  failure,
  fetchJson,
  photo,
  skip,
} from './package.js';
import { crash, crashing } from './workers.js';

/**
 * Makes a canvas in Display P3 with an image on it. Skips the test in browsers that have no such
 * canvas.
 */
function wideCanvas(context, picture) {
  const canvas = Object.assign(document.createElement('canvas'), {
    width: picture.width,
    height: picture.height,
  });
  const drawing = canvas.getContext('2d', { colorSpace: 'display-p3' });
  if (drawing.getContextAttributes?.().colorSpace !== 'display-p3')
    skip(context, 'this browser has no canvas in Display P3');
  drawing.drawImage(picture, 0, 0);
  return canvas;
}

describe('files', () => {
  let files;
  let segmenter;
  let photoBitmap;

  before(async () => {
    files = await fetchJson('/test/files');
    photoBitmap = await createImageBitmap(photo);
    segmenter = await create();
  });
  after(() => segmenter?.close());

  const sizeOf = async (source) => {
    const image = await segmenter.setImage(source);
    image.close();
    return [image.width, image.height];
  };
  const find = async (source) => (await segmenter.setImage(source)).segment({ prompt: BOX });
  const elementOf = async (file) => {
    const element = Object.assign(new Image(), { src: URL.createObjectURL(file) });
    await element.decode();
    return element;
  };

  /** Makes a JPEG file with this segment after its first two bytes. */
  const withSegment = async (segment, file = photo) => {
    const jpeg = await file.arrayBuffer();
    const parts = new Blob([jpeg.slice(0, 2), new Uint8Array(segment), jpeg.slice(2)]);
    // The Blob has a single part, because Firefox makes no bitmap of others.
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
      for (const source of [file, bitmap, element])
        expect(await sizeOf(source)).to.deep.equal(size);
      if (name === 'jpeg') expect(size).to.deep.equal([300, 451]); // all browsers turn JPEG files
    });
  }

  for (const name of ['avif', 'gif', 'bmp', 'png']) {
    it(`${name === 'png' ? '16-bit PNG' : name.toUpperCase()}, which the browser decodes, has the right pixels`, async function () {
      const bytes = bytesOf(files.known[name]);
      const file = new Blob([bytes.slice(0, 2), bytes.slice(2)], { type: `image/${name}` });
      const isShown = await elementOf(file).then(
        () => true,
        () => false,
      );
      if (!isShown) skip(this, `this browser does not show ${name.toUpperCase()} files`);
      expect(await sizeOf(file)).to.deep.equal([24, 16]);
      // The worker calls this function. The file shows a light rectangle on a dark background.
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

  it('a file that the browser has decoded is decoded again in a new worker', async () => {
    const segmenter = await create({ worker: crashing });
    const image = await segmenter.setImage(new Blob([bytesOf(files.known.png)]));
    const lost = new Promise((resolve) =>
      segmenter.addEventListener('devicelost', resolve, { once: true }),
    );
    await crash();
    await lost;
    const { width, height } = await image.segment();
    expect([width, height]).to.deep.equal([24, 16]);
    segmenter.close();
  });

  it('an <img> has all pixels of its file, for setImage and for cutOut', async function () {
    const canvas = Object.assign(document.createElement('canvas'), { width: 400, height: 300 });
    canvas.getContext('2d').drawImage(await createImageBitmap(photo), 0, 0);
    const file = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg'));
    const [mask] = (await (await segmenter.setImage(file)).segment({ prompt: BOX })).masks;
    const cut = (source) => {
      const { width, height } = cutOut(source, mask);
      return cutOut(source, mask).getContext('2d').getImageData(0, 0, width, height).data;
    };
    const wanted = cut(await createImageBitmap(file));
    const bySet = Object.assign(new Image(), { srcset: `${URL.createObjectURL(file)} 2x` });
    const byExif = Object.assign(new Image(), {
      src: URL.createObjectURL(await withSegment(files.dense, file)),
    });
    for (const element of [bySet, byExif]) {
      await element.decode();
      const { width } = await createImageBitmap(element);
      if (element.naturalWidth !== 200 || width !== 400)
        skip(this, 'this browser gives no more pixels of an <img> than its natural size');
      expect(await sizeOf(element)).to.deep.equal([400, 300]);
      expect(cut(element).every((value, i) => Math.abs(value - wanted[i]) <= 4)).to.equal(true);
    }
  });

  for (const [type, mark] of [
    ['image/jpeg', 'ICC_PROFILE'],
    ['image/png', 'iCCP'],
    ['image/webp', 'ICCP'],
  ]) {
    it(`an ${type} file in Display P3 has the colours of its bitmap, and it is refused if it is cut short`, async function () {
      const file = await new Promise((resolve) =>
        wideCanvas(this, photoBitmap).toBlob(resolve, type),
      );
      const isMarked = file.type === type && (await file.text()).includes(mark);
      if (!isMarked) skip(this, `this browser writes no ${type} files in Display P3`);
      const [byFile, byBitmap] = [await find(file), await find(await createImageBitmap(file))];
      expect(byFile.masks.length).to.equal(1);
      expect(byFile).to.deep.equal(byBitmap);
      expect(await failure(segmenter.setImage(file.slice(0, file.size / 2)))).to.equal(
        'corrupt-image',
      );
    });
  }

  it('an ImageData in Display P3 has the colours of its bitmap', async function () {
    const canvas = wideCanvas(this, photoBitmap);
    const pixels = canvas
      .getContext('2d')
      .getImageData(0, 0, canvas.width, canvas.height, { colorSpace: 'display-p3' });
    expect(pixels.colorSpace).to.equal('display-p3');
    expect(await find(pixels)).to.deep.equal(await find(await createImageBitmap(pixels)));
  });

  it('a JPEG file with a colour profile has the colours of its bitmap', async () => {
    const file = await withSegment(files.profile);
    const scenes = [];
    for (const source of [file, await createImageBitmap(file)]) scenes.push(await find(source));
    expect(scenes[0].masks.length).to.equal(1);
    expect(scenes[0]).to.deep.equal(scenes[1]);
  });

  it('a file that is damaged, animated or not an image is refused with a code', async () => {
    const closed = await createImageBitmap(photo);
    closed.close();
    const bad = {
      'unsupported-image': [new Blob(['text']), 'text'],
      'empty-image': [new Blob([]), closed],
      'corrupt-image': [
        photo.slice(0, 9000),
        Object.assign(new Image(), { src: URL.createObjectURL(new Blob(['text'])) }),
      ],
      'animated-image': [new Blob([bytesOf(files.animated)])],
    };
    for (const [code, sources] of Object.entries(bad)) {
      for (const source of sources)
        expect(await failure(segmenter.setImage(source))).to.equal(code);
    }
  });
});
