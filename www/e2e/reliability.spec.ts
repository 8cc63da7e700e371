// What goes wrong in long sessions: lost devices, stopped workers, memory that is not given back. `docs/reliability.md` has the figures.
import type * as Aims from 'aims-web';
import { expect, test } from './demo.js';
import { error, inWorker, modelFor, open, watchDevice } from './package.js';

const POINT: Aims.Prompt = { kind: 'points', points: [{ x: 225, y: 150, label: 1 }] };
const CALLS: Record<string, Aims.SegmentOptions> = { 'the three levels': {}, 'a point': { prompt: POINT } };

declare global {
  interface Window {
    image: Aims.SegmentedImage;
    /** A call under way, and whether it has begun. */
    call: Promise<unknown>;
    begun: boolean;
  }
}

/** A software WebGPU adapter takes seconds for each. */
const IMAGES = { cpu: 200, webgpu: Number(process.env.IMAGES ?? 40) };

const ENDS = {
  webgpu: { what: 'device.destroy()', script: 'self.device.destroy()', code: 'device-lost' },
  cpu: { what: 'a crash of the worker', script: "setTimeout(() => { throw new Error('a defect') })", code: 'internal' },
} as const;

for (const device of ['cpu', 'webgpu'] as const) {
  const { what, script, code } = ENDS[device];
  for (const [name, options] of Object.entries(CALLS)) {
    test(`${what} during ${name}: a typed error, then the same masks, on ${device}`, async ({ demo: { page }, complaints }) => {
      if (device === 'webgpu') await watchDevice(page);
      await open(page);
      const before = await page.evaluate(
        async ({ device, model, options }) => {
          window.segmenter = await window.aims.Segmenter.create({ device, model, inputSize: 128 });
          window.image = await window.segmenter.setImage(window.photo);
          return window.image.segment(options);
        },
        { device, model: modelFor(device), options },
      );
      await page.evaluate((options) => {
        window.begun = false;
        const onProgress = () => (window.begun = true);
        window.call = window.failure(window.image.segment({ ...options, onProgress }));
      }, options);
      // A point is one step: it ends before anything can be done in between, and what was destroyed shows in the next call.
      if (name !== 'a point') await page.waitForFunction(() => window.begun);
      await inWorker(page, script);
      const outcome = await page.evaluate(async (options) => {
        const first = await window.call;
        return 'value' in (first as object) ? window.failure(window.image.segment(options)) : first;
      }, options);
      if ('value' in (outcome as object)) expect(outcome).toEqual({ value: before });
      else expect(outcome).toEqual(error(code));
      const after = await page.evaluate((options) => window.image.segment(options), options);
      expect(after).toEqual(before);
      expect(before.masks.length).toBeGreaterThan(0);
      complaints.length = 0; // the defect itself is reported in the console
    });
  }

  test(`${what} during setImage: a typed error, then it works, on ${device}`, async ({ demo: { page }, complaints }) => {
    if (device === 'webgpu') await watchDevice(page);
    await open(page);
    const heard = await page.evaluate(async ({ device, model }) => {
      window.segmenter = await window.aims.Segmenter.create({ device, model, inputSize: 256 });
      const heard: string[] = [];
      window.segmenter.addEventListener('devicelost', ({ detail }) => heard.push(detail.code));
      window.segmenter.addEventListener('restored', ({ detail }) => heard.push(detail.device));
      Object.assign(window, { heard });
      window.begun = false;
      window.call = window.failure(window.segmenter.setImage(window.photo, { onProgress: () => (window.begun = true) }));
      return heard;
    }, { device, model: modelFor(device) });
    expect(heard).toEqual([]);
    await page.waitForFunction(() => window.begun);
    await inWorker(page, script);
    expect(await page.evaluate(() => window.call)).toEqual(error(code));
    const size = await page.evaluate(async () => {
      const image = await window.segmenter.setImage(window.photo);
      return [image.width, image.height];
    });
    expect(size).toEqual([451, 300]);
    expect(await page.evaluate(() => (window as unknown as { heard: string[] }).heard)).toEqual([code, device]);
    complaints.length = 0;
  });

  const images = IMAGES[device];
  test(`${images} images take no more memory than five, on ${device}`, async ({ demo: { page } }) => {
    await open(page);
    const { early, late, left } = await page.evaluate(async ({ device, model, images }) => {
      const segmenter = await window.aims.Segmenter.create({ device, model, inputSize: 64 });
      const bitmap = await createImageBitmap(window.photo);
      const use = async (i: number) => {
        // Of many shapes, the largest first: memory that is kept for one must serve the others.
        const canvas = new OffscreenCanvas(bitmap.width - 7 * (i % 10), bitmap.height + 20 * (2 - (i % 3)));
        canvas.getContext('2d')!.drawImage(bitmap, 0, 0);
        const image = await segmenter.setImage(canvas);
        await image.segment({ prompt: { kind: 'points', points: [{ x: 100, y: 100, label: 1 }] } });
        image.close();
      };
      await use(0);
      const first = await segmenter.memory();
      for (let i = 0; i < 5; i++) await use(i);
      const early = await segmenter.memory();
      for (let i = 5; i < images; i++) await use(i);
      const late = await segmenter.memory();
      segmenter.close();
      return { early, late, left: late.gpu - first.gpu };
    }, { device, model: modelFor(device), images });
    console.log(`    after 5: ${JSON.stringify(early)}, after ${images}: ${JSON.stringify(late)}`);
    expect(late.wasm).toBeLessThanOrEqual(1.02 * early.wasm);
    expect(late.gpuReserved).toBeLessThanOrEqual(1.02 * early.gpuReserved);
    expect(late.gpu > 0).toBe(device === 'webgpu');
    // What an image holds is given back when it is closed.
    expect(left).toBeLessThanOrEqual(0);
  });
}

test('creating and closing works twenty times over', async ({ demo: { page } }) => {
  await open(page);
  const masks = await page.evaluate(async (prompt) => {
    const masks = [];
    for (let i = 0; i < 20; i++) {
      const segmenter = await window.aims.Segmenter.create({ device: 'cpu', inputSize: 128 });
      const image = await segmenter.setImage(window.photo);
      masks.push((await image.segment({ prompt })).masks.length);
      segmenter.close();
    }
    return masks;
  }, POINT);
  expect(masks).toEqual(Array(20).fill(1));
});

test('after create nothing is asked of any server', async ({ demo: { page } }) => {
  await open(page);
  await page.route('**', (route) => route.abort());
  const kinds = await page.evaluate(async () => {
    const { aims, segmenter, photo } = window;
    const image = await segmenter.setImage(photo);
    const scene = await image.segment();
    const [a, b] = scene.masks.filter(({ level }) => level === 'entity');
    const rle = a!.rle;
    const prompts: Aims.Prompt[] = [
      { kind: 'full' },
      { kind: 'box', box: [50, 50, 200, 200] },
      { kind: 'polygon', points: [[50, 50], [250, 50], [150, 250]] },
      { kind: 'mask', mask: rle },
      { kind: 'entity', mask: rle },
      { kind: 'entities', masks: [rle, (b ?? a)!.rle] },
      { kind: 'relation', mask: rle },
      { kind: 'points', points: [{ x: 200, y: 150, label: 1 }] },
      { kind: 'strokes', strokes: [{ points: [[180, 150], [240, 150]], label: 1 }, { points: [[5, 5]], label: 0 }] },
      { kind: 'lasso', points: [[100, 20], [380, 20], [380, 280], [100, 280]] },
    ];
    const kinds: string[] = [];
    for (const prompt of prompts) {
      const { width, masks } = await image.segment({ prompt });
      if (width === image.width && Array.isArray(masks)) kinds.push(prompt.kind);
    }
    const mask = scene.masks[0]!;
    await aims.maskToImageBitmap(mask);
    aims.cutOut(await createImageBitmap(photo), mask, { feather: 3 });
    aims.maskToPath2D(mask);
    aims.maskToSvgPath(mask, { tolerance: 1 });
    aims.sceneToGeoJson(scene);
    aims.sceneToCoco(scene);
    aims.sceneToDot(scene);
    image.close();
    return kinds;
  });
  expect(kinds).toEqual(['full', 'box', 'polygon', 'mask', 'entity', 'entities', 'relation', 'points', 'strokes', 'lasso']);
});
