// Tests refined edges: a real mask of a real photo, whose edge is made to follow the photo.
import {
  BOX,
  create,
  cutOut,
  cutOutBox,
  decodeRle,
  expect,
  failure,
  maskToAlpha,
  photo,
  Segmenter,
  skip,
} from './package.js';
import { crash, crashing } from './workers.js';

const WAYS = { 'the quick way': {}, 'the careful way': { hair: true } };

describe('refined edges', () => {
  let segmenter;
  let image;
  let mask;
  let size;

  before(async () => {
    segmenter = await create({ inputSize: 256, worker: crashing });
    image = await segmenter.setImage(photo);
    [mask] = (await image.segment({ prompt: BOX })).masks;
    size = [image.width, image.height];
  });
  after(() => segmenter?.close());

  const isSoft = (alpha) => alpha > 0 && alpha < 255;

  for (const [name, options] of Object.entries(WAYS)) {
    it(`${name} changes the mask near its edge alone, and gives colours where it is soft`, async () => {
      const fractions = [];
      const radius = 8;
      const matte = await image.refine(mask, {
        ...options,
        radius,
        onProgress: ({ stage, fraction }) => fractions.push([stage, fraction]),
      });
      expect(matte.data).to.be.instanceOf(Uint8ClampedArray);
      expect([matte.width, matte.height, matte.data.length]).to.deep.equal([
        ...size,
        size[0] * size[1],
      ]);
      expect(matte.data.filter(isSoft).length).to.be.above(100);
      // What is further from the edge than the radius, and than a cell of the coarse grid, stays.
      const [inner, outer] = [-radius - 2, radius + 2].map(
        (shiftEdge) => maskToAlpha(mask, { shiftEdge }).data,
      );
      expect(matte.data.filter((alpha, i) => inner[i] === 255 && alpha < 255).length).to.equal(0);
      expect(matte.data.filter((alpha, i) => outer[i] === 0 && alpha > 0).length).to.equal(0);
      const pixels = decodeRle(mask.rle);
      expect(matte.data.filter((alpha, i) => alpha !== 255 * pixels[i]).length).to.be.above(100);
      const [left, top, width, height] = matte.colors.box;
      expect(matte.colors.data.length).to.equal(4 * width * height);
      let painted = 0;
      matte.data.forEach((alpha, i) => {
        if (!isSoft(alpha)) return;
        painted++;
        const [x, y] = [(i % size[0]) - left, Math.floor(i / size[0]) - top];
        expect(matte.colors.data[4 * (y * width + x) + 3]).to.equal(255);
      });
      expect(matte.colors.data.filter((value, i) => i % 4 === 3 && value > 0).length).to.equal(
        painted,
      );
      expect(fractions.map(([stage]) => stage)).to.deep.equal(fractions.map(() => 'refine'));
      expect(fractions.at(-1)[1]).to.equal(1);
    });
  }

  it('a cut-out has the alpha of the matte and its colours', async () => {
    const matte = await image.refine(mask);
    const bitmap = await createImageBitmap(photo);
    const read = (options) => {
      const cut = cutOut(bitmap, mask, options);
      return cut.getContext('2d').getImageData(0, 0, cut.width, cut.height).data;
    };
    const [left, top, width] = cutOutBox(mask, { matte });
    const [clean, kept] = [read({ matte }), read({ matte, colors: 'photo' })];
    let [offAlpha, offColor, changed] = [0, 0, 0];
    for (let i = 0; i < clean.length / 4; i++) {
      const [x, y] = [left + (i % width), top + Math.floor(i / width)];
      const alpha = matte.data[y * size[0] + x];
      if (Math.abs(clean[4 * i + 3] - alpha) > 1) offAlpha++;
      const { box, data } = matte.colors;
      const from = 4 * ((y - box[1]) * box[2] + x - box[0]);
      for (let channel = 0; channel < 3; channel++) {
        const [value, old] = [clean[4 * i + channel], kept[4 * i + channel]];
        if (isSoft(alpha) && value !== old) changed++;
        // Canvases keep colours multiplied with alpha, so faint pixels have few levels.
        if (isSoft(alpha) && Math.abs(value - data[from + channel]) > 2 + 255 / alpha) offColor++;
        if (alpha === 255 && value !== old) offColor++;
      }
    }
    expect([offAlpha, offColor]).to.deep.equal([0, 0]);
    expect(changed).to.be.above(100);
    const { colors } = await image.refine(mask, { colors: 'photo' });
    expect(colors).to.equal(null);
  });

  it('empty and full masks give transparent and opaque mattes', async () => {
    for (const [counts, value] of [
      [[size[0] * size[1]], 0],
      [[0, size[0] * size[1]], 255],
    ]) {
      const rle = { size: [size[1], size[0]], counts };
      for (const options of Object.values(WAYS)) {
        const { data, colors } = await image.refine({ rle }, options);
        expect(data.filter((alpha) => alpha !== value).length).to.equal(0);
        expect(colors).to.equal(null);
      }
    }
  });

  it('a call can be aborted before it, at its first step and at a later one', async () => {
    const refine = (options) => failure(image.refine(mask, { hair: true, ...options }));
    expect(await refine({ signal: AbortSignal.abort() })).to.equal('aborted');
    for (const enough of [0, 0.3]) {
      const controller = new AbortController();
      const { signal } = controller;
      const onProgress = ({ fraction }) => fraction >= enough && controller.abort();
      expect(await refine({ signal, onProgress })).to.equal('aborted');
    }
    const other = await segmenter.setImage(photo);
    const controller = new AbortController();
    const decoding = other.refine(mask, { signal: controller.signal });
    controller.abort();
    expect(await failure(decoding)).to.equal('aborted');
    other.close();
    expect(await failure(other.refine(mask))).to.equal('closed');
    expect((await image.refine(mask)).width).to.equal(size[0]);
  });

  it('bad input is refused', async () => {
    for (const radius of [0, -1, NaN, Infinity])
      expect(await failure(image.refine(mask, { radius })), radius).to.equal('invalid-option');
    expect(await failure(image.refine(mask, { colors: 'none' }))).to.equal('invalid-option');
    expect((await image.refine(mask, { radius: 1e6 })).width).to.equal(size[0]);
    const other = { size: [size[0], size[1]], counts: [size[0] * size[1]] };
    expect(await failure(image.refine({ rle: other }))).to.equal('size-mismatch');
    const broken = { size: [size[1], size[0]], counts: 'not a code' };
    expect(await failure(image.refine({ rle: broken }))).to.equal('invalid-prompt');
  });

  it('a small thing in a large photo is found again at full detail', async () => {
    const large = new OffscreenCanvas(1804, 1200);
    const context = large.getContext('2d');
    context.filter = 'blur(6px)';
    context.drawImage(await createImageBitmap(photo), 0, 0, large.width, large.height);
    context.filter = 'none';
    context.drawImage(await createImageBitmap(photo), 1200, 700, size[0], size[1]);
    const other = await segmenter.setImage(large);
    const [x, y, width, height] = BOX.box;
    const prompt = { kind: 'points', box: [1200 + x, 700 + y, width, height] };
    const [small] = (await other.segment({ prompt })).masks;
    const fractions = [];
    const onProgress = ({ fraction }) => fractions.push(fraction);
    const zoomed = await other.refine(small, { onProgress });
    expect(fractions.length).to.be.above(10, 'the encoder reports its steps');
    const plain = await other.refine(small, { zoom: false });
    const differ = (alpha, i) => Math.abs(alpha - zoomed.data[i]) > 128;
    expect(plain.data.filter(differ).length).to.be.above(200);
    for (const enough of [0, 0.4]) {
      const controller = new AbortController();
      const abort = ({ fraction }) => fraction >= enough && controller.abort();
      const call = other.refine(small, { signal: controller.signal, onProgress: abort });
      expect(await failure(call)).to.equal('aborted');
    }
    other.close();
  });

  it('photos of all kinds are refined, also after another image was', async () => {
    const wanted = await image.refine(mask);
    const bitmap = await createImageBitmap(photo);
    const other = await segmenter.setImage(bitmap);
    const found = await other.refine(mask);
    // The browser and the program may decode a JPEG with small differences.
    const differ = (alpha, i) => Math.abs(alpha - wanted.data[i]) > 32;
    expect(found.data.filter(differ).length).to.be.below(50);
    other.close();
    expect(await image.refine(mask)).to.deep.equal(wanted);
  });

  it('a matte is the same after the worker has crashed', async () => {
    const before = await image.refine(mask, { hair: true });
    await crash();
    // If the page has not heard of the crash yet, this call meets it.
    const met = await image.refine(mask, { hair: true }).catch((error) => error);
    if (met instanceof Error) expect(met.code).to.equal('internal');
    else expect(met).to.deep.equal(before);
    expect(await image.refine(mask, { hair: true })).to.deep.equal(before);
  });

  it('a matte is the same on a device of the page', async function () {
    const { webgpu, reason } = await Segmenter.isSupported();
    if (webgpu === 'none') skip(this, reason);
    const adapter = await navigator.gpu.requestAdapter();
    const device = await adapter.requestDevice();
    const onPage = await create({ device: 'auto', gpu: { adapter, device } });
    const found = await (await onPage.setImage(photo)).refine(mask);
    expect(found).to.deep.equal(await image.refine(mask));
    onPage.close();
    device.destroy();
    await device.lost;
  });
});
