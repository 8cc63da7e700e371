// Logs how long frames take with a photo of 24 megapixels. Nothing here asserts a time.
import { expect, QUICK, sample, test } from './demo.js';

test('a photo of 24 megapixels is zoomed and moved', async ({ demo, page }) => {
  await page.setViewportSize({ width: 1920, height: 1230 });
  // Every frame is followed until its pixels are there, because canvases draw later than they say.
  await page.addInitScript(() => {
    const frame = requestAnimationFrame.bind(window);
    const times: Record<string, number[]> = { photo: [], masks: [], overlay: [] };
    Object.assign(window, { times });
    window.requestAnimationFrame = (callback) =>
      frame((now) => {
        callback(now);
        for (const [id, list] of Object.entries(times)) {
          const start = performance.now();
          const canvas = document.querySelector<HTMLCanvasElement>(`#${id}`);
          canvas?.getContext('2d')?.getImageData(0, 0, 1, 1);
          list.push(performance.now() - start);
        }
      });
  });
  await demo.start(QUICK);
  const large = await page.evaluate(
    async (bytes) => {
      const small = await createImageBitmap(new Blob([Uint8Array.from(bytes)]));
      const canvas = new OffscreenCanvas(6000, 4000);
      canvas.getContext('2d')!.drawImage(small, 0, 0, 6000, 4000);
      const blob = await canvas.convertToBlob({ type: 'image/jpeg' });
      return [...new Uint8Array(await blob.arrayBuffer())];
    },
    [...sample('coffee')],
  );
  await demo.choose('large.jpg', Buffer.from(large));
  await demo.arrive('full');

  const measure = async (name: string, work: () => Promise<void>) => {
    await page.evaluate(() => {
      const { times } = window as unknown as { times: Record<string, number[]> };
      for (const list of Object.values(times)) list.length = 0;
    });
    await work();
    await demo.frames();
    const medians = await page.evaluate(() => {
      const { times } = window as unknown as { times: Record<string, number[]> };
      return Object.entries(times).map(([id, list]) => {
        const sorted = list.toSorted((a, b) => a - b);
        return `${id} ${sorted[sorted.length >> 1]?.toFixed(1)} ms`;
      });
    });
    console.log(`${name}: medians of a frame: ${medians.join(', ')}`);
  };
  const pan = () =>
    demo.stroke(
      [
        [3000, 2000],
        [3200, 2100],
        [3100, 1800],
        [3000, 2000],
      ],
      'middle',
    );
  const fitted = await demo.camera();
  await measure('moved, whole photo', pan);
  await measure('zoomed', async () => {
    await demo.hover([3000, 2000]);
    for (let i = 0; i < 20; i++) {
      await page.mouse.wheel(0, -60);
      await demo.frames();
    }
  });
  expect((await demo.camera()).scale).toBeGreaterThan(2 * fitted.scale);
  await measure('moved, zoomed in', pan);
  await page.keyboard.press('1');
  await measure('moved, 100 %', pan);
});
