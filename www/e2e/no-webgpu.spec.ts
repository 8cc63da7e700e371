import type * as Aims from 'aims-web';
import { NO_WEBGPU } from '../../scripts/chromium-flags.mjs';
import { launchOptions } from './browser.js';
import { expect, test } from './demo.js';

declare const aims: typeof Aims;

test.use({ launchOptions: launchOptions(NO_WEBGPU) });

test('without WebGPU, asking for it is explained, and the CPU is offered', async ({ demo }) => {
  await demo.start('device=webgpu&size=512&points=8');
  const banner = demo.page.locator('#banner');
  await expect(banner).toContainText('WebGPU is not available.');
  await demo.page.click('text=Use the CPU');
  await expect(banner).toBeHidden();
  await expect(demo.page.locator('body')).toHaveAttribute('data-device', 'cpu');
});

test('without WebGPU, auto takes the CPU and says why', async ({ demo }) => {
  await demo.start('debug&device=cpu&size=512');
  const adapter = await demo.page.evaluate(async () => (await aims.Segmenter.create({ inputSize: 256 })).adapter);
  expect(adapter).toMatchObject({ device: 'cpu', software: false, reason: expect.stringContaining('WebGPU') });
});
