// Tests ways to use the page without a mouse: drop, paste, keyboard, touch.
import type { Page } from '@playwright/test';
import { decodeRle, type Mask } from 'aims-web';
import { expect, type Point, QUICK, sample, test } from './demo.js';
import { covers, deepest } from './places.js';

/** Gives a place in the middle of what no mask covers. */
function emptyPlace(masks: Mask[], { width, height }: { width: number; height: number }): Point {
  const empty = new Uint8Array(width * height).fill(1);
  for (const { rle } of masks)
    for (const [at, inside] of decodeRle(rle).entries()) if (inside) empty[at] = 0;
  const { place, reach } = deepest(empty, [height, width]);
  expect(reach, 'half the side of an empty square, in pixels').toBeGreaterThan(3);
  return place;
}

/** Gives the page a file, as the browser does on a drop or a paste. */
const hand = (page: Page, kind: 'drop' | 'paste') =>
  page.evaluate(
    ({ kind, bytes }) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], 'coffee.jpg', { type: 'image/jpeg' }));
      const event =
        kind === 'drop'
          ? new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true })
          : new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
    },
    { kind, bytes: [...sample('coffee')] },
  );

test('the first visit shows a sample with its masks', async ({ demo }) => {
  await demo.page.goto(`?${QUICK}`);
  await demo.arrive('full');
  expect((await demo.scene()).masks.length).toBeGreaterThan(0);
});

test('by keyboard: a pasted photo, masks with the arrow keys, the graph, and steps back', async ({
  demo,
}) => {
  const { page } = demo;
  await demo.start(QUICK);
  await hand(page, 'paste');
  await demo.arrive('full');

  await page.locator('#overlay').focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.locator('#graph .item.lit')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page.locator('#graph .item.selected')).toHaveCount(1);
  await page.keyboard.press('o');
  await demo.arrive('entity');
  await page.keyboard.press('Escape');
  await demo.arrive('full');

  const entities = page.locator('#graph .item[data-level=entity]');
  await page.keyboard.press('p');
  await entities.nth(0).focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('#status')).toContainText('second entity');
  await entities.nth(1).focus();
  await page.keyboard.press('Enter');
  await demo.arrive('entities');
  const { masks } = await demo.scene();
  expect(masks.filter(({ level }) => level === 'relation')).toHaveLength(1);

  await page.locator('#trail button', { hasText: 'Photo' }).press('Enter');
  await demo.arrive('full');
});

test('a click outside all masks selects what the network finds there', async ({ demo }) => {
  const { page } = demo;
  await demo.start(QUICK);
  await page.click('[data-sample=astronaut]');
  await demo.arrive('full');
  const scene = await demo.scene();
  await page.keyboard.press(',');
  const parts = scene.masks.filter(({ level }) => level === 'part');
  const place = emptyPlace(parts, scene);
  await demo.click(place);
  await demo.selected(0);
  const { masks, selected } = await demo.scene();
  const found = masks.find(({ id }) => id === selected);
  expect(found?.level).toBe('entity');
  expect(covers(found!, place)).toBe(true);
});

test.describe('on a phone', () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 360, height: 740 } });

  test('by touch: a dropped photo, two entities, and a cut-out', async ({ demo }) => {
    const { page } = demo;
    await demo.start(QUICK);
    await hand(page, 'drop');
    await demo.arrive('full');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);

    const entities = page.locator('#graph .item[data-level=entity]');
    await page.tap('#tool-pair');
    await page.tap('#sheet');
    await entities.nth(0).tap();
    await entities.nth(1).tap();
    await demo.arrive('entities');

    await page.locator('#trail button').last().tap();
    await demo.arrive('full');
    await page.tap('#tool-pick');
    await entities.nth(0).tap();
    await demo.selected(0);
    const png = await demo.save('png');
    // Width and height are right after the header's name.
    const size = [png.readUInt32BE(16), png.readUInt32BE(20)];
    const { masks, selected } = await demo.scene();
    const entity = masks.find(({ id }) => id === selected);
    // The soft edge reaches one pixel further on each side, but not beyond the photo.
    const [width, height] = entity!.bbox.slice(2) as [number, number];
    expect(size[0]! - width).toBeGreaterThanOrEqual(0);
    expect(size[0]! - width).toBeLessThanOrEqual(2);
    expect(size[1]! - height).toBeGreaterThanOrEqual(0);
    expect(size[1]! - height).toBeLessThanOrEqual(2);
  });
});
