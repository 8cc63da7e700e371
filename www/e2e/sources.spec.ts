// What setImage takes, in a browser: whose objects, which pixels of them, and when.
import type * as Aims from 'aims-web';
import { ANIMATED_GIF, FILES, TURNED, at144Dpi } from '../../pkg/testing/files.js';
import { expect, test } from './demo.js';
import { error, inWorker, open } from './package.js';

declare global {
  interface Window {
    image: Aims.SegmentedImage;
    call: Promise<unknown>;
  }
}

const POINT: Aims.Prompt = { kind: 'points', points: [{ x: 225, y: 150, label: 1 }] };

test('the pixels are those at the time of the call', async ({ demo: { page } }) => {
  await open(page);
  const scenes = await page.evaluate(async (prompt) => {
    const { segmenter, photo } = window;
    const bitmap = await createImageBitmap(photo);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const read = () => context.getImageData(0, 0, canvas.width, canvas.height);
    const [whole, filled, transferred] = [read(), read(), read()];
    const calls = [segmenter.setImage(whole), segmenter.setImage(filled), segmenter.setImage(transferred), segmenter.setImage(canvas), segmenter.setImage(bitmap)];
    filled.data.fill(0);
    structuredClone(transferred.data.buffer, { transfer: [transferred.data.buffer] });
    context.clearRect(0, 0, canvas.width, canvas.height);
    bitmap.close();
    const scenes = [];
    for (const call of calls) scenes.push(JSON.stringify(await (await call).segment({ prompt })));
    return scenes;
  }, POINT);
  expect(scenes[0]).toContain('rle');
  for (const scene of scenes) expect(scene).toBe(scenes[0]);
});

test('what a frame and a popup made is taken', async ({ demo: { page } }) => {
  await open(page);
  const results = await page.evaluate(async () => {
    const { aims, segmenter, photo } = window;
    const frame = document.createElement('iframe');
    document.body.append(frame);
    const popup = window.open('', '', 'popup')!;
    const sizes: unknown[] = [];
    for (const other of [frame.contentWindow, popup] as unknown as (typeof globalThis)[]) {
      const bitmap = await other.createImageBitmap(photo);
      const canvas = other.document.createElement('canvas');
      Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
      const context = canvas.getContext('2d')!;
      context.drawImage(bitmap, 0, 0);
      const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
      const element = new other.Image();
      element.src = URL.createObjectURL(photo);
      const frame = new other.VideoFrame(bitmap, { timestamp: 0 });
      for (const source of [new other.File([photo], 'photo.jpg'), bitmap, canvas, pixels, element, frame]) {
        const image = await segmenter.setImage(source);
        sizes.push([image.width, image.height, source instanceof Object]);
        image.close();
      }
      frame.close();
    }
    const Bytes = (frame.contentWindow as unknown as typeof globalThis).Uint8Array;
    const failures = [await window.failure(aims.Segmenter.create({ device: 'cpu', model: new Bytes(9) }))];
    popup.close();
    return { sizes, failures };
  });
  expect(results.sizes).toEqual(Array(12).fill([451, 300, false]));
  // Read, and found to be no model.
  expect(results.failures).toEqual([error('model-corrupt')]);
});

test('a video gives the frame that it shows', async ({ demo: { page } }) => {
  await open(page);
  const { before, size, same } = await page.evaluate(async (prompt) => {
    const { segmenter, photo, failure } = window;
    const bitmap = await createImageBitmap(photo);
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width: 450, height: 300 });
    const video = document.createElement('video');
    const before = await failure(segmenter.setImage(video));
    const stream = canvas.captureStream();
    const loaded = new Promise((resolve) => video.addEventListener('loadeddata', resolve, { once: true }));
    Object.assign(video, { srcObject: stream, muted: true });
    canvas.getContext('2d')!.drawImage(bitmap, 0, 0);
    await video.play();
    await loaded;
    const image = await segmenter.setImage(video);
    const [mask] = (await image.segment({ prompt })).masks;
    const [wanted] = (await (await segmenter.setImage(canvas)).segment({ prompt })).masks;
    const [a, b] = [window.aims.decodeRle(mask!.rle), window.aims.decodeRle(wanted!.rle)];
    const both = a.filter((value, i) => value & b[i]!).length;
    return { before, size: [image.width, image.height], same: both / (mask!.area + wanted!.area - both) };
  }, POINT);
  expect(before).toEqual(error('empty-image'));
  expect(size).toEqual([450, 300]);
  expect(same).toBeGreaterThan(0.9); // a stream may be compressed
});

test('an <img> gives all pixels of its file, to setImage and to cutOut', async ({ demo: { page } }) => {
  await open(page);
  const results = await page.evaluate(
    async ({ exif, prompt }) => {
      const { aims, segmenter, photo } = window;
      const canvas = new OffscreenCanvas(400, 300);
      canvas.getContext('2d')!.drawImage(await createImageBitmap(photo), 0, 0);
      const file = await canvas.convertToBlob({ type: 'image/jpeg' });
      const jpeg = new Uint8Array(await file.arrayBuffer());
      const dense = new Blob([jpeg.slice(0, 2), new Uint8Array(exif), jpeg.slice(2)], { type: 'image/jpeg' });
      const bySet = new Image();
      bySet.srcset = `${URL.createObjectURL(file)} 2x`;
      const byExif = new Image();
      byExif.src = URL.createObjectURL(dense);
      const whole = await createImageBitmap(file);
      const { masks } = await (await segmenter.setImage(file)).segment({ prompt });
      const cut = (source: CanvasImageSource) => {
        const { width, height } = aims.cutOut(source, masks[0]!);
        return aims.cutOut(source, masks[0]!).getContext('2d')!.getImageData(0, 0, width, height).data;
      };
      const wanted = cut(whole);
      const results = [];
      for (const element of [bySet, byExif]) {
        const image = await segmenter.setImage(element);
        const difference = cut(element).reduce((most, value, i) => Math.max(most, Math.abs(value - wanted[i]!)), 0);
        results.push({ natural: element.naturalWidth, size: [image.width, image.height], difference });
        image.close();
      }
      return results;
    },
    { exif: at144Dpi(200, 150), prompt: POINT },
  );
  for (const { natural, size, difference } of results) {
    expect(natural).toBe(200);
    expect(size).toEqual([400, 300]);
    expect(difference).toBeLessThanOrEqual(4);
  }
});

test('an <img> that has not loaded: aborted, closed, or lazy', async ({ demo: { page }, complaints }) => {
  await page.route('**/never.jpg', () => {});
  await open(page);
  const results = await page.evaluate(async () => {
    const { aims, segmenter, photo, failure } = window;
    const waiting = () => Object.assign(new Image(), { src: 'never.jpg' });
    const controller = new AbortController();
    const aborted = failure(segmenter.setImage(waiting(), { signal: controller.signal }));
    controller.abort();
    const results = [await aborted];
    const other = await aims.Segmenter.create({ device: 'cpu', inputSize: 64 });
    const closed = failure(other.setImage(waiting()));
    other.close();
    results.push(await closed);
    const lazy = Object.assign(new Image(), { loading: 'lazy', src: URL.createObjectURL(photo) });
    const { width, height } = await segmenter.setImage(lazy);
    return [...results, [width, height]];
  });
  expect(results).toEqual([error('aborted'), error('closed'), [451, 300]]);
  complaints.length = 0; // the address that never answers
});

test('files that the package does not know are decoded by the browser', async ({ demo: { page }, complaints }) => {
  await open(page);
  const results = await page.evaluate(
    async ({ files, animated }) => {
      const { segmenter, failure } = window;
      const blob = (text: string) => new Blob([Uint8Array.from(atob(text), (char) => char.charCodeAt(0))]);
      const sizes: Record<string, unknown> = {};
      for (const [name, file] of Object.entries(files)) {
        window.image = await segmenter.setImage(blob(file));
        sizes[name] = [window.image.width, window.image.height];
      }
      return { sizes, others: [await failure(segmenter.setImage(blob(animated))), await failure(segmenter.setImage(new Blob(['text'])))] };
    },
    { files: FILES, animated: ANIMATED_GIF },
  );
  expect(results.sizes).toEqual({ avif: [24, 16], bmp: [24, 16], gif: [24, 16], png: [24, 16] });
  expect(results.others).toEqual([error('animated-image'), error('unsupported-image')]);
  // A new worker decodes the file again.
  await page.evaluate(() => {
    window.call = new Promise((resolve) => window.segmenter.addEventListener('devicelost', resolve, { once: true }));
  });
  await inWorker(page, "setTimeout(() => { throw new Error('a defect') })");
  const again = await page.evaluate(async () => {
    await window.call;
    const { width, height } = await window.image.segment();
    return [width, height];
  });
  expect(again).toEqual([24, 16]);
  complaints.length = 0; // the defect itself
});

test('a file has the size of its bitmap and its <img>, if the browser turns it and if not', async ({ demo: { page } }) => {
  await open(page);
  const sizes = await page.evaluate(async (files) => {
    const sizes: Record<string, number[][]> = {};
    for (const [name, text] of Object.entries(files)) {
      const file = new Blob([Uint8Array.from(atob(text), (char) => char.charCodeAt(0))], { type: `image/${name}` });
      const element = Object.assign(new Image(), { src: URL.createObjectURL(file) });
      await element.decode();
      sizes[name] = [[element.naturalWidth, element.naturalHeight]];
      for (const source of [file, await createImageBitmap(file), element]) {
        const { width, height } = await window.segmenter.setImage(source);
        sizes[name].push([width, height]);
      }
    }
    return sizes;
  }, TURNED);
  for (const [first, ...others] of Object.values(sizes)) for (const size of others) expect(size).toEqual(first);
});

test('a file with a colour profile has the colours of its bitmap; a damaged one is damaged', async ({ demo: { page } }) => {
  await open(page);
  const results = await page.evaluate(async (prompt) => {
    const { segmenter, photo, failure } = window;
    const canvas = new OffscreenCanvas(450, 300);
    const context = canvas.getContext('2d', { colorSpace: 'display-p3' })!;
    context.drawImage(await createImageBitmap(photo), 0, 0);
    const find = async (source: Blob | ImageBitmap | ImageData) => JSON.stringify(await (await segmenter.setImage(source)).segment({ prompt }));
    const results = [];
    for (const [type, mark] of [['image/jpeg', 'ICC_PROFILE'], ['image/png', 'iCCP'], ['image/webp', 'ICCP']] as const) {
      const file = await canvas.convertToBlob({ type });
      const isMarked = (await file.text()).includes(mark);
      const [byFile, byBitmap] = [await find(file), await find(await createImageBitmap(file))];
      const cut = await failure(segmenter.setImage(file.slice(0, file.size / 2)));
      results.push({ isMarked, masks: JSON.parse(byFile).masks.length, isSame: byFile === byBitmap, cut });
    }
    const pixels = context.getImageData(0, 0, 450, 300, { colorSpace: 'display-p3' });
    const bitmap = await createImageBitmap(pixels);
    return { results, colours: pixels.colorSpace, isSame: (await find(pixels)) === (await find(bitmap)) };
  }, POINT);
  expect(results).toEqual({ results: Array(3).fill({ isMarked: true, masks: 1, isSame: true, cut: error('corrupt-image') }), colours: 'display-p3', isSame: true });
});
