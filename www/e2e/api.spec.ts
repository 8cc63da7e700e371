// The package as built, called from a page. A small input size keeps this quick; masks are compared elsewhere.
import type { Page } from '@playwright/test';
import type * as Aims from 'aims-web';
import { expect, test } from './demo.js';

declare global {
  interface Window {
    aims: typeof Aims;
    segmenter: Aims.Segmenter;
    photo: Blob;
    /** Resolves to the error's name and code, or to what came instead of an error. */
    failure: (call: Promise<unknown>) => Promise<unknown>;
  }
}

async function open(page: Page): Promise<void> {
  await page.goto('?debug&device=cpu&size=512');
  await page.waitForFunction(() => window.aims);
  // The page loads the model as well; two downloads at once of what does not fit the test browser's cache fail each other.
  await expect(page.locator('body')).toHaveAttribute('data-device', 'cpu');
  await page.evaluate(async () => {
    window.photo = await (await fetch('samples/chelsea.jpg')).blob();
    window.failure = (call) =>
      call.then(
        (value) => ({ value }),
        (error: unknown) => (error instanceof window.aims.SegmenterError ? { name: error.name, code: error.code } : { error: String(error) }),
      );
    window.segmenter = await window.aims.Segmenter.create({ device: 'cpu', inputSize: 256 });
  });
}

const error = (code: string) => ({ name: code === 'aborted' ? 'AbortError' : 'SegmenterError', code });

test('every kind of image is taken', async ({ demo: { page } }) => {
  await open(page);
  const sizes = await page.evaluate(async () => {
    const { segmenter, photo } = window;
    const bitmap = await createImageBitmap(photo);
    const element = new Image();
    element.src = URL.createObjectURL(photo);
    const canvas = document.createElement('canvas');
    const offscreen = new OffscreenCanvas(bitmap.width, bitmap.height);
    Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    canvas.getContext('2d')!.drawImage(bitmap, 0, 0);
    const context = offscreen.getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const sizes = [];
    for (const source of [photo, bitmap, pixels, canvas, element, offscreen]) {
      const image = await segmenter.setImage(source);
      sizes.push([image.width, image.height]);
      image.close();
    }
    // What was given stays the caller's.
    return [...sizes, [bitmap.width, pixels.data.length]];
  });
  expect(sizes).toEqual([...Array(6).fill([451, 300]), [451, 451 * 300 * 4]]);
});

test('EXIF orientation is honoured alike for files and elements', async ({ demo: { page } }) => {
  await open(page);
  const sizes = await page.evaluate(async () => {
    const jpeg = new Uint8Array(await window.photo.arrayBuffer());
    // One tag, orientation 6: the camera was held upright. It goes right after the start marker.
    const text = (chars: string) => [...chars].map((char) => char.charCodeAt(0));
    const tag = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0];
    const exif = [0xff, 0xe1, 0, 34, ...text('Exif'), 0, 0, ...text('MM'), 0, 42, 0, 0, 0, 8, 0, 1, ...tag, 0, 0, 0, 0];
    const turned = new Blob([jpeg.slice(0, 2), new Uint8Array(exif), jpeg.slice(2)], { type: 'image/jpeg' });
    const element = new Image();
    element.src = URL.createObjectURL(turned);
    const sizes = [];
    for (const source of [turned, element, await createImageBitmap(turned)]) {
      const { width, height } = await window.segmenter.setImage(source);
      sizes.push([width, height]);
    }
    return sizes;
  });
  expect(sizes).toEqual([[300, 451], [300, 451], [300, 451]]);
});

test('auto passes a software adapter by and says so', async ({ demo: { page } }) => {
  await open(page);
  const adapter = await page.evaluate(async () => (await window.aims.Segmenter.create({ inputSize: 256 })).adapter);
  expect(adapter).toMatchObject({ device: 'cpu', software: false, reason: expect.stringContaining('software') });
});

test('points and a box give one mask; progress rises to 1', async ({ demo: { page } }) => {
  await open(page);
  const { scene, inside, fractions } = await page.evaluate(async () => {
    const image = await window.segmenter.setImage(window.photo);
    const fractions: number[] = [];
    const scene = await image.segment({
      prompt: { kind: 'points', points: [{ x: 225, y: 150, label: 1 }] },
      onProgress: ({ fraction }) => fractions.push(fraction),
    });
    const pixels = scene.masks.map(({ rle }) => window.aims.decodeRle(rle));
    const drawn = scene.masks.map((mask) => window.aims.maskToImageData(mask, [1, 2, 3, 255]));
    const inside = pixels.map((mask, index) => [mask[150 * 451 + 225], drawn[index]!.data[4 * (150 * 451 + 225)]]);
    return { scene, inside, fractions };
  });
  expect(scene).toMatchObject({ width: 451, height: 300, masks: [{ level: 'entity' }] });
  expect(inside).toEqual([[1, 1]]);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(fractions.at(-1)).toBe(1);
});

test('bad prompts are typed errors, and the image stays usable', async ({ demo: { page } }) => {
  await open(page);
  const results = await page.evaluate(async () => {
    const { aims, failure } = window;
    const image = await window.segmenter.setImage(window.photo);
    const wrongSize = aims.encodeRle([1, 1, 1, 1], 2, 2);
    const empty = aims.encodeRle(new Uint8Array(451 * 300), 451, 300);
    const prompts = [
      { kind: 'entity', mask: wrongSize },
      { kind: 'entity', mask: empty },
      { kind: 'mask', mask: { size: [300, 451], counts: '!' } },
      { kind: 'box', box: [5000, 5000, 10, 10] },
      { kind: 'points', points: [] },
      { kind: 'nonsense' },
    ] as Aims.Prompt[];
    const results = [];
    for (const prompt of prompts) results.push(await failure(image.segment({ prompt })));
    results.push(await failure(image.segment({ grid: { pointsPerSide: 0 } })));
    const { masks } = await image.segment({ prompt: { kind: 'points', points: [{ x: 9, y: 9, label: 1 }] } });
    return [...results, masks.length];
  });
  const codes = ['size-mismatch', 'empty-prompt', 'invalid-prompt', 'empty-prompt', 'empty-prompt', 'invalid-prompt', 'invalid-prompt'];
  expect(results).toEqual([...codes.map(error), 1]);
});

test('bad images are typed errors', async ({ demo: { page } }) => {
  await open(page);
  const results = await page.evaluate(async () => {
    const { segmenter, failure, photo } = window;
    const closed = await createImageBitmap(photo);
    closed.close();
    const sources = [new Blob(['text']), new Blob([]), photo.slice(0, 9000), closed, 'text' as unknown as Blob];
    const results = [];
    for (const source of sources) results.push(await failure(segmenter.setImage(source)));
    return results;
  });
  const codes = ['unsupported-image', 'empty-image', 'corrupt-image', 'empty-image', 'unsupported-image'];
  expect(results).toEqual(codes.map(error));
});

test('bad models are typed errors', async ({ demo: { page } }) => {
  await page.route('**/absent.safetensors', (route) => route.fulfill({ status: 204 }));
  await open(page);
  const results = await page.evaluate(async () => {
    const { aims, failure } = window;
    const address = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('.safetensors'))!.name;
    const whole = await (await fetch(address)).arrayBuffer();
    const results = [];
    for (const model of ['/absent.safetensors', new ArrayBuffer(0), whole.slice(0, whole.byteLength / 2), new Blob(['{}'])]) {
      results.push(await failure(aims.Segmenter.create({ device: 'cpu', model })));
    }
    return results;
  });
  expect(results).toEqual(['model-missing', 'model-corrupt', 'model-corrupt', 'model-corrupt'].map(error));
});

test('aborts reject, before and while the work goes on', async ({ demo: { page } }) => {
  await open(page);
  const results = await page.evaluate(async () => {
    const { aims, segmenter, photo, failure } = window;
    const aborted = AbortSignal.abort();
    const abortAtFirst = () => {
      const controller = new AbortController();
      return { signal: controller.signal, onProgress: () => controller.abort() };
    };
    const results = [
      await failure(aims.Segmenter.create({ device: 'cpu', signal: aborted })),
      await failure(aims.Segmenter.create({ device: 'cpu', ...abortAtFirst() })),
      await failure(segmenter.setImage(photo, { signal: aborted })),
      await failure(segmenter.setImage(photo, abortAtFirst())),
    ];
    const image = await segmenter.setImage(photo);
    results.push(await failure(image.segment(abortAtFirst())));
    const { masks } = await image.segment({ prompt: { kind: 'points', points: [{ x: 225, y: 150, label: 1 }] } });
    return [...results, masks.length];
  });
  expect(results).toEqual([...Array(5).fill(error('aborted')), 1]);
});

test('calls after close are typed errors', async ({ demo: { page } }) => {
  await open(page);
  const results = await page.evaluate(async () => {
    const { segmenter, photo, failure } = window;
    const image = await segmenter.setImage(photo);
    image.close();
    const results = [await failure(image.segment())];
    const other = await segmenter.setImage(photo);
    const running = failure(other.segment());
    segmenter.close();
    return [...results, await running, await failure(other.segment()), await failure(segmenter.setImage(photo))];
  });
  expect(results).toEqual(Array(4).fill(error('closed')));
});

for (const device of ['cpu', 'webgpu'] as const) {
  test(`fifty images take no more memory than five, on ${device}`, async ({ demo: { page } }) => {
    await open(page);
    const { early, late, left } = await page.evaluate(async (device) => {
      const segmenter = await window.aims.Segmenter.create({ device, inputSize: 128 });
      const bitmap = await createImageBitmap(window.photo);
      const use = async (i: number) => {
        // Of many shapes: memory that is kept for one must serve the others.
        const canvas = new OffscreenCanvas(bitmap.width - 7 * (i % 10), bitmap.height + 20 * (i % 3));
        canvas.getContext('2d')!.drawImage(bitmap, 0, 0);
        const image = await segmenter.setImage(canvas);
        await image.segment({ prompt: { kind: 'points', points: [{ x: 100, y: 100, label: 1 }] } });
        image.close();
      };
      await use(0);
      const first = await segmenter.memory();
      for (let i = 0; i < 10; i++) await use(i);
      const early = await segmenter.memory();
      for (let i = 0; i < 40; i++) await use(i);
      const late = await segmenter.memory();
      segmenter.close();
      return { early, late, left: late.gpu - first.gpu };
    }, device);
    expect(late.wasm).toBeLessThanOrEqual(1.02 * early.wasm);
    expect(late.gpuReserved).toBeLessThanOrEqual(1.02 * early.gpuReserved);
    expect(late.gpu > 0).toBe(device === 'webgpu');
    // What an image holds is given back when it is closed.
    expect(left).toBeLessThanOrEqual(0);
  });
}
