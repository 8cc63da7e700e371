// axe looks for what would keep people from using the page.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, QUICK, sample, test } from './demo.js';
import { insideOf } from './places.js';

async function expectNothingSerious(page: Page, state: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  expect(serious, state).toEqual([]);
}

test('axe finds nothing serious, in light and dark, wide and narrow', async ({ demo, page }) => {
  await demo.start(QUICK);
  await expectNothingSerious(page, 'without a photo');
  await demo.choose('coffee.jpg', sample('coffee'));
  await demo.arrive('full');
  const entity = (await demo.scene()).masks.find(({ level }) => level === 'entity')!;
  await demo.click(insideOf(entity));
  await demo.selected(0);
  for (const summary of await page.locator('summary').all()) await summary.click();
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [width, height] of [
      [1440, 900],
      [360, 740],
    ] as const) {
      await page.setViewportSize({ width, height });
      await expectNothingSerious(page, `selected, ${colorScheme}, ${width}`);
    }
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.keyboard.press('c');
  await expect(page.locator('#divider')).toBeVisible();
  await expectNothingSerious(page, 'before and after');
  await page.click('#export');
  await expectNothingSerious(page, 'the export menu');
});
