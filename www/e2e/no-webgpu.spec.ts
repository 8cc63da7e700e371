import { NO_WEBGPU } from '../../scripts/chromium-flags.mjs';
import { launchOptions } from './browser.js';
import { expect, test } from './demo.js';

test.use({ launchOptions: launchOptions(NO_WEBGPU) });

test('without WebGPU, the error is explained and the CPU is offered', async ({ demo }) => {
  await demo.start('device=webgpu&size=512&points=8');
  const banner = demo.page.locator('#banner');
  await expect(banner).toContainText('WebGPU is not available.');
  await demo.page.click('text=Use the CPU');
  await expect(banner).toBeHidden();
  await expect(demo.page.locator('body')).toHaveAttribute('data-device', 'cpu');
});
