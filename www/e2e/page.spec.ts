// Segmenters that run on the page itself, on a graphics device of its own.
import type * as Aims from 'aims-web';
import { expect, test } from './demo.js';
import { error, modelFor, open } from './package.js';

test('a panic in one of two segmenters of the page: both calls fail, and the next ones work', async ({ demo: { page }, complaints }) => {
  await open(page);
  const result = await page.evaluate(async (model) => {
    const { aims, photo, failure } = window;
    const adapter = (await navigator.gpu.requestAdapter())!;
    const device = await adapter.requestDevice();
    const options = { gpu: { adapter, device }, model, inputSize: 128 };
    const segmenters = [await aims.Segmenter.create(options), await aims.Segmenter.create(options)];
    const images: Aims.SegmentedImage[] = [];
    for (const segmenter of segmenters) images.push(await segmenter.setImage(photo));
    const find = () => images.map((image) => image.segment({ prompt: { kind: 'points', points: [{ x: 225, y: 150, label: 1 }] } }));
    const before = await Promise.all(find());
    const { queue } = device;
    // The program takes for granted that this never fails.
    queue.writeBuffer = () => {
      throw new TypeError('out of order');
    };
    const failures = await Promise.all(find().map(failure));
    delete (queue as Partial<GPUQueue>).writeBuffer;
    const after = await Promise.all(find());
    for (const segmenter of segmenters) segmenter.close();
    return { failures, isSame: JSON.stringify(before) === JSON.stringify(after), masks: after.map(({ masks }) => masks.length) };
  }, modelFor('webgpu'));
  expect(result).toEqual({ failures: [error('internal'), error('internal')], isSame: true, masks: [1, 1] });
  complaints.length = 0; // the panic, which the console tells of
});
