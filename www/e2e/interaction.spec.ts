// Tests ways to use the page without a mouse: drop, paste, keyboard, touch.
import type { Page } from '@playwright/test';
import { decodeRle, type Mask } from 'aims-web';
import { expect, sample, test } from './demo.js';

const QUERY = 'device=cpu&size=512&points=8';

/**
 * Gives the middle of the largest square that no mask touches. Only squares around every eighth
 * pixel are tried.
 */
function emptyPlace(
  masks: Mask[],
  { width, height }: { width: number; height: number },
): [x: number, y: number] {
  const covered = new Uint8Array(width * height);
  for (const { rle } of masks)
    for (const [at, inside] of decodeRle(rle).entries()) if (inside) covered[at] = 1;
  const isEmpty = (x: number, y: number, reach: number) => {
    if (x < reach || y < reach || x + reach >= width || y + reach >= height) return false;
    for (let row = y - reach; row <= y + reach; row++)
      if (covered.subarray(row * width + x - reach, row * width + x + reach + 1).includes(1))
        return false;
    return true;
  };
  let best: { place: [number, number]; reach: number } = { place: [0, 0], reach: 0 };
  for (let y = 0; y < height; y += 8) {
    for (let x = 0; x < width; x += 8)
      while (isEmpty(x, y, best.reach + 1)) best = { place: [x, y], reach: best.reach + 1 };
  }
  expect(best.reach, 'half the side of an empty square, in pixels').toBeGreaterThan(3);
  return best.place;
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

test('by keyboard: a pasted photo, masks with the arrow keys, the graph, and steps back', async ({
  demo,
}) => {
  const { page } = demo;
  await demo.start(QUERY);
  await hand(page, 'paste');
  await demo.arrive('full');

  await page.locator('#overlay').focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.locator('#graph .item.lit')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await demo.arrive('entity');
  await page.keyboard.press('Escape');
  await demo.arrive('full');

  const entities = page.locator('#graph .item[data-level=entity]');
  await entities.nth(0).focus();
  await page.keyboard.press('Shift+Enter');
  await expect(page.locator('#status')).toContainText('second entity');
  await entities.nth(1).focus();
  await page.keyboard.press('Shift+Enter');
  await demo.arrive('entities');
  const { masks } = await demo.scene();
  expect(masks.filter(({ level }) => level === 'relation')).toHaveLength(1);

  await page.locator('#trail button', { hasText: 'Photo' }).press('Enter');
  await demo.arrive('full');
});

test('a click outside all masks finds a mask, which opens like any other', async ({ demo }) => {
  const { page } = demo;
  await demo.start(QUERY);
  await page.click('[data-sample=astronaut]');
  await demo.arrive('full');
  const scene = await demo.scene();
  demo.width = scene.width;
  await page.keyboard.press('1');
  const parts = scene.masks.filter(({ level }) => level === 'part');
  const place = emptyPlace(parts, scene);
  await demo.click(place);
  await demo.arrive('points');
  const { masks } = await demo.scene();
  const covers = ({ rle }: Mask) => decodeRle(rle)[place[1] * scene.width + place[0]] === 1;
  expect(masks.map((mask) => [mask.level, covers(mask)])).toEqual([['entity', true]]);
  await demo.click(place);
  await demo.arrive('entity');
});

test.describe('on a phone', () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 360, height: 740 } });

  test('by touch: a dropped photo, two entities, and a cut-out', async ({ demo }) => {
    const { page } = demo;
    await demo.start(QUERY);
    await hand(page, 'drop');
    await demo.arrive('full');
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);

    const entities = page.locator('#graph .item[data-level=entity]');
    await page.tap('#tool-pair');
    await entities.nth(0).tap();
    await entities.nth(1).tap();
    await demo.arrive('entities');
    await page.tap('#tool-pair');

    await page.locator('#graph .item[data-level=entity]').nth(0).tap();
    await demo.arrive('entity');
    const png = await demo.cutout();
    // Width and height are right after the header's name.
    const size = [png.readUInt32BE(16), png.readUInt32BE(20)];
    const title = (await page.textContent('#selected-title'))?.match(/\d+/)?.[0];
    await page.locator('#trail button').last().tap();
    const entity = (await demo.scene()).masks.find(({ id }) => id === Number(title));
    // The soft edge reaches one pixel further on each side, but not beyond the photo.
    const [width, height] = entity!.bbox.slice(2) as [number, number];
    expect(size[0]! - width).toBeGreaterThanOrEqual(0);
    expect(size[0]! - width).toBeLessThanOrEqual(2);
    expect(size[1]! - height).toBeGreaterThanOrEqual(0);
    expect(size[1]! - height).toBeLessThanOrEqual(2);
  });
});
