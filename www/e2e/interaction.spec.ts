// Ways of use other than the mouse: drop, paste, keyboard, touch.
import type { Page } from '@playwright/test';
import { type Mask, decodeRle } from 'aims-web';
import { expect, sample, test } from './demo.js';

const QUERY = 'device=cpu&size=512&points=8';

/** A place in the astronaut's photo that no part covers. */
const RING: [x: number, y: number] = [151, 230];

/** Hands the page a file in the way the browser does on a drop or a paste. */
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

test('by keyboard: pasted photo, masks by arrows, graph, steps back', async ({ demo }) => {
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

test('a click where no mask is: one mask there, which opens like any other', async ({ demo }) => {
  const { page } = demo;
  await demo.start(QUERY);
  await page.click('[data-sample=astronaut]');
  await demo.arrive('full');
  const { width, masks } = await demo.scene();
  demo.width = width;
  await page.keyboard.press('1');
  const [x, y] = RING;
  const covers = (mask: Mask) => decodeRle(mask.rle)[y * width + x] === 1;
  expect(masks.filter((mask) => mask.level === 'part' && covers(mask))).toEqual([]);
  await demo.click(RING);
  await demo.arrive('points');
  const { masks: found } = await demo.scene();
  expect(found.map((mask) => [mask.level, covers(mask)])).toEqual([['entity', true]]);
  await demo.click(RING);
  await demo.arrive('entity');
});

test.describe('on a phone', () => {
  test.use({ hasTouch: true, isMobile: true, viewport: { width: 360, height: 740 } });

  test('by touch: dropped photo, two entities, cut-out', async ({ demo }) => {
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
    // Width and height stand right after the header's name.
    const size = [png.readUInt32BE(16), png.readUInt32BE(20)];
    const title = (await page.textContent('#selected-title'))?.match(/\d+/)?.[0];
    await page.locator('#trail button').last().tap();
    const entity = (await demo.scene()).masks.find(({ id }) => id === Number(title));
    expect(size).toEqual(entity?.bbox.slice(2));
  });
});
