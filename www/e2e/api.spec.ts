// The package as built, called from a page. A small input size keeps this quick; masks are compared elsewhere.
import type * as Aims from 'aims-web';
import { EXIF_TURNED } from '../../pkg/testing/files.js';
import { expect, test } from './demo.js';
import { error, modelFor, open } from './package.js';

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
    const frame = new VideoFrame(bitmap, { timestamp: 0 });
    const sizes = [];
    for (const source of [photo, bitmap, pixels, canvas, element, offscreen, frame]) {
      const image = await segmenter.setImage(source);
      sizes.push([image.width, image.height]);
      image.close();
    }
    frame.close();
    // What was given stays the caller's.
    return [...sizes, [bitmap.width, pixels.data.length]];
  });
  expect(sizes).toEqual([...Array(7).fill([451, 300]), [451, 451 * 300 * 4]]);
});

test('EXIF orientation is honoured alike for files and elements', async ({ demo: { page } }) => {
  await open(page);
  const sizes = await page.evaluate(async (exif) => {
    const jpeg = new Uint8Array(await window.photo.arrayBuffer());
    const turned = new Blob([jpeg.slice(0, 2), new Uint8Array(exif), jpeg.slice(2)], { type: 'image/jpeg' });
    const element = new Image();
    element.src = URL.createObjectURL(turned);
    const sizes = [];
    for (const source of [turned, element, await createImageBitmap(turned)]) {
      const { width, height } = await window.segmenter.setImage(source);
      sizes.push([width, height]);
    }
    return sizes;
  }, EXIF_TURNED);
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

test('a click has three candidates, and their logits can be given back', async ({ demo: { page } }) => {
  await open(page);
  const found = await page.evaluate(async () => {
    const { aims, failure } = window;
    // At the input of the other tests a second look is another mask.
    const segmenter = await aims.Segmenter.create({ device: 'cpu', inputSize: 512 });
    const image = await segmenter.setImage(window.photo);
    const points = [{ x: 225, y: 150, label: 1 as const }];
    const first = await image.candidates({ points });
    const [scene] = (await image.segment({ prompt: { kind: 'points', points } })).masks;
    const chosen = first.find((candidate) => candidate.chosen)!;
    const previous = chosen.logits;
    const again = await image.candidates({ points, previous });
    const kept = again.find((candidate) => candidate.chosen)!;
    const segmented = (await image.segment({ prompt: { kind: 'points', points, previous } })).masks[0]!;
    const [a, b] = [aims.decodeRle(chosen.rle), aims.decodeRle(kept.rle)];
    const both = a.filter((value, i) => value & b[i]!).length;
    const outcomes = [
      await failure(image.candidates({})),
      await failure(image.candidates({ points, previous: { ...previous, columns: 32 } })),
      await failure(image.candidates({ points, previous: { ...previous, values: [...previous.values] as unknown as Float32Array } })),
      await failure(image.segment({ prompt: { kind: 'points', points, previous: { ...previous, values: previous.values.fill(NaN) } } })),
    ];
    segmenter.close();
    return {
      counts: [first.length, again.length],
      areas: first.map(({ area }) => area),
      asSegmented: [chosen.rle.counts === scene!.rle.counts, kept.rle.counts === segmented.rle.counts],
      grid: [previous.columns, previous.rows, previous.values.length],
      iou: both / (chosen.area + kept.area - both),
      outcomes,
    };
  });
  expect(found.counts).toEqual([3, 4]);
  expect(found.areas).toEqual([...found.areas].sort((a, b) => a - b));
  expect(found.asSegmented).toEqual([true, true]);
  // 451 x 300 pixels in an input of 512 x 384.
  expect(found.grid).toEqual([128, 96, 128 * 96]);
  expect(found.iou).toBeGreaterThan(0.5);
  expect(found.outcomes).toEqual(['empty-prompt', 'invalid-prompt', 'invalid-prompt', 'invalid-prompt'].map(error));
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
  const codes = ['size-mismatch', 'empty-prompt', 'invalid-prompt', 'empty-prompt', 'empty-prompt', 'invalid-prompt', 'invalid-option'];
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

test('strokes and a lasso mean what points mean', async ({ demo: { page } }) => {
  await open(page);
  const { ious, spilt, outcomes } = await page.evaluate(async () => {
    const { aims, failure } = window;
    const image = await window.segmenter.setImage(window.photo);
    const masks = async (prompt: Aims.Prompt) => (await image.segment({ prompt })).masks.map(({ rle }) => aims.decodeRle(rle));
    const iou = (a: Uint8Array, b: Uint8Array) => {
      let [both, either] = [0, 0];
      a.forEach((value, i) => {
        both += value & b[i]!;
        either += value | b[i]!;
      });
      return both / either;
    };
    // A stroke means a few points along it; a lasso its box.
    const outside = { x: 20, y: 20, label: 0 } as const;
    const [pointed] = await masks({ kind: 'points', points: [...[170, 190, 210, 230].map((x) => ({ x, y: 140, label: 1 as const })), outside] });
    const [brushed] = await masks({ kind: 'strokes', strokes: [{ points: [[160, 140], [240, 140]], label: 1 }, { points: [[20, 20]], label: 0 }] });
    const [boxed] = await masks({ kind: 'points', points: [], box: [60, 2, 360, 294] });
    const lasso: [number, number][] = [[60, 2], [420, 2], [420, 296], [60, 296]];
    const [roped] = await masks({ kind: 'lasso', points: lasso });
    const spilt = roped!.filter((value, i) => value === 1 && (i % 451 < 60 || i % 451 > 420)).length;
    const bad = [
      { kind: 'strokes', strokes: [] },
      { kind: 'strokes', strokes: [{ points: [[9, 9]], label: 0 }] },
      { kind: 'lasso', points: [[1, 1], [2, 2]] },
      { kind: 'lasso', points: [[-9, -9], [-5, -9], [-5, -5]] },
    ] as Aims.Prompt[];
    const outcomes = [];
    for (const prompt of bad) outcomes.push(await failure(image.segment({ prompt })));
    return { ious: [iou(pointed!, brushed!), iou(boxed!, roped!)], spilt, outcomes };
  });
  for (const iou of ious) expect(iou).toBeGreaterThan(0.95);
  expect(spilt).toBe(0);
  expect(outcomes).toEqual(['invalid-prompt', 'invalid-prompt', 'invalid-prompt', 'empty-prompt'].map(error));
});

test('the model is kept between visits, checked, and fetched again when it is damaged', async ({ demo: { page } }) => {
  await open(page);
  const requests: string[] = [];
  page.context().on('request', (request) => request.url().endsWith('.safetensors') && requests.push(request.url()));
  const states = await page.evaluate(async () => {
    const { Segmenter } = window.aims;
    const start = async () => (await Segmenter.create({ device: 'cpu', inputSize: 64 })).close();
    const states = [await Segmenter.isCached()];
    await start();
    const cache = await caches.open('aims-web-models');
    const [key] = await cache.keys();
    const { headers } = (await cache.match(key!))!;
    await cache.put(key!, new Response('damaged', { headers }));
    await start();
    for (let i = 0; i < 100 && (await (await cache.match(key!))!.blob()).size < 1e6; i++) await new Promise((done) => setTimeout(done, 100));
    states.push(await Segmenter.isCached());
    await start();
    await Segmenter.clearCache();
    states.push(await Segmenter.isCached());
    return states;
  });
  expect(states).toEqual([true, true, false]);
  // Once: for the damaged entry.
  expect(requests.length).toBe(1);
});

test('a device of the page is shared, and stays the page\'s', async ({ demo: { page } }) => {
  await open(page);
  const result = await page.evaluate(async (model) => {
    const adapter = (await navigator.gpu.requestAdapter())!;
    const device = await adapter.requestDevice();
    const errors: string[] = [];
    device.onuncapturederror = ({ error }) => errors.push(error.message);
    const segmenter = await window.aims.Segmenter.create({ gpu: { adapter, device }, model, inputSize: 128 });
    const image = await segmenter.setImage(window.photo);
    const prompt: Aims.Prompt = { kind: 'points', points: [{ x: 225, y: 150, label: 1 }] };
    const ours = await image.segment({ prompt });
    const own = await window.aims.Segmenter.create({ device: 'webgpu', model, inputSize: 128 });
    const theirs = await (await own.setImage(window.photo)).segment({ prompt });
    const second = (await navigator.gpu.requestAdapter())!;
    const other = await window.failure(window.aims.Segmenter.create({ gpu: { adapter: second, device: await second.requestDevice() } }));
    segmenter.close();
    own.close();
    // The page goes on with its device and hears of its own errors.
    const COPY = 0x0c; // GPUBufferUsage.COPY_SRC and COPY_DST
    const buffer = device.createBuffer({ size: 16, usage: COPY });
    device.queue.writeBuffer(buffer, 0, new Uint8Array(16));
    await device.queue.onSubmittedWorkDone();
    device.createBuffer({ size: 16, usage: 0xffff_ffff });
    await device.queue.onSubmittedWorkDone();
    await new Promise((done) => setTimeout(done, 200));
    return { same: JSON.stringify(ours) === JSON.stringify(theirs), masks: ours.masks.length, device: segmenter.adapter.device, other, errors: errors.length };
  }, modelFor('webgpu'));
  expect(result).toEqual({ same: true, masks: 1, device: 'webgpu', other: { error: expect.stringContaining('share one GPUDevice') }, errors: 1 });
});
