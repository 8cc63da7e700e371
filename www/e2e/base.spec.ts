// The larger family, as the demo's settings offer it.
import { expect, test } from './demo.js';

test('aims-base can be chosen in the settings', async ({ demo }) => {
  const { page } = demo;
  demo.width = 600;
  await demo.start('device=cpu&size=512&points=4');
  await page.click('#settings summary');
  await page.selectOption('select[name=model]', 'models/aims-base-q8.safetensors');
  await demo.screenshot('base-0-settings');
  await page.click('#settings-form button');
  await expect(page.locator('#status')).toHaveText(/^Ready/);
  await demo.idle();
  expect(new URL(page.url()).searchParams.get('model')).toBe('models/aims-base-q8.safetensors');

  await page.click('[data-sample=coffee]');
  await demo.arrive('full');
  const { masks } = await demo.scene();
  expect(masks.length).toBeGreaterThan(0);
  await demo.screenshot('base-1-full');
  const loaded = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name.split('/').at(-1)));
  expect(loaded).toContain('aims-base-q8.safetensors');

  // Back to the default: its address leaves no trace of the other.
  await page.selectOption('select[name=model]', '');
  await page.click('#settings-form button');
  await demo.arrive('full');
  expect(new URL(page.url()).searchParams.has('model')).toBe(false);
});
