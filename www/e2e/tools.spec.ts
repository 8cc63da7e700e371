// Each tool, with real pointers and keys.
import { decodeRle, intersectMasks, type Mask, rleArea, type Scene } from 'aims-web';
import {
  test as alone,
  type Demo,
  expect,
  largestEntities,
  type Point,
  QUICK,
  sample,
  selectedMask,
  testWith,
} from './demo.js';
import { covers, insideOf } from './places.js';

const test = testWith('coffee');

/** Gives the scene and its two largest entities. */
async function entitiesOf(demo: Demo): Promise<{ scene: Scene; entities: [Mask, Mask] }> {
  const scene = await demo.scene();
  return { scene, entities: largestEntities(scene) };
}

/** Gives the mask that is selected. */
const selection = async (demo: Demo): Promise<Mask> => selectedMask(await demo.scene());

type Camera = Awaited<ReturnType<Demo['camera']>>;

function expectCamera(found: Camera, expected: Camera): void {
  for (const name of ['scale', 'x', 'y'] as const)
    expect(found[name], name).toBeCloseTo(expected[name], 5);
}

test('pick: a selection is built up, and every step can be undone', async ({ demo }) => {
  const { page } = demo;
  const { scene, entities } = await entitiesOf(demo);
  const [a, b] = entities;
  const [inA, inB] = [insideOf(a), insideOf(b)];
  const areas: number[] = [0];
  const step = async (area: number) => {
    expect(await demo.selected(areas.at(-1))).toBe(area);
    areas.push(area);
  };
  await demo.click(inA);
  await step(a.area);
  await demo.click(inB, ['Shift']);
  await step(a.area + b.area);
  await demo.click(inA, ['Alt']);
  await step(b.area);
  await page.keyboard.press('i');
  await step(scene.width * scene.height - b.area);
  await demo.click(inA, ['Shift', 'Alt']);
  await step(a.area);
  await page.keyboard.press('g');
  const grown = await demo.selected(a.area);
  expect(grown).toBeGreaterThan(a.area);
  areas.push(grown);
  await page.keyboard.press('Shift+G');
  const shrunk = await demo.selected(grown);
  expect(shrunk).toBeLessThan(grown);
  areas.push(shrunk);
  await page.keyboard.press('Control+d');
  await step(0);

  for (const area of areas.slice(0, -1).reverse()) {
    await page.keyboard.press('Control+z');
    expect(await demo.selected()).toBe(area);
  }
  await expect(page.locator('#undo')).toBeDisabled();
  for (const area of areas.slice(1)) {
    await page.keyboard.press('Control+Shift+Z');
    expect(await demo.selected()).toBe(area);
  }
  await expect(page.locator('#redo')).toBeDisabled();
});

test('pick: the keys and the menu give larger and smaller answers', async ({ demo }) => {
  const { page } = demo;
  const { entities } = await entitiesOf(demo);
  const place = insideOf(entities[1]);
  await page.keyboard.press('.');
  await demo.hover(place);
  await page.mouse.click(...(await demo.onScreen(place)), { button: 'right' });
  const items = page.locator('#pick-menu button');
  await expect(items.nth(1)).toBeVisible();
  await page.keyboard.press('Home');
  await items.first().focus();
  await page.keyboard.press('Enter');
  const smallest = await demo.selected(0);
  await page.mouse.click(...(await demo.onScreen(place)), { button: 'right' });
  await items.last().click();
  const largest = await demo.selected(smallest);
  expect(largest).toBeGreaterThan(smallest);

  const wanted: [key: string, area: number][] = [
    ['[', smallest],
    [']', largest],
  ];
  for (const [key, area] of wanted) {
    await expect(async () => {
      await page.keyboard.press(key);
      await demo.click(place);
      // The menu was opened at a whole pixel, so the network may answer a little differently. Other
      // answers have other sizes altogether.
      expect(Math.abs((await demo.selected()) / area - 1)).toBeLessThan(0.15);
    }).toPass({ timeout: 120_000 });
  }
});

test('box, brush and lasso ask the network for one thing', async ({ demo }) => {
  const { page } = demo;
  const { entities } = await entitiesOf(demo);
  const [, thing] = entities;
  const [x, y] = insideOf(thing);

  await page.keyboard.press('m');
  await demo.drag(thing.bbox);
  let before = await demo.selected(0);
  const boxed = await selection(demo);
  const both = rleArea(intersectMasks(boxed, thing));
  expect(both / (boxed.area + thing.area - both)).toBeGreaterThan(0.6);

  await page.keyboard.press('b');
  await demo.stroke([
    [x - 4, y],
    [x + 4, y + 2],
  ]);
  before = await demo.selected(before);
  expect(covers(await selection(demo), [x, y])).toBe(true);

  await page.keyboard.press('l');
  const [left, top, width, height] = thing.bbox;
  const ring: Point[] = [
    [left, top],
    [left + width - 1, top],
    [left + width - 1, top + height - 1],
    [left, top + height - 1],
  ];
  await demo.stroke(ring);
  await demo.selected(before);
  const [x0, y0, across, down] = (await selection(demo)).bbox;
  expect(x0).toBeGreaterThanOrEqual(left - 1);
  expect(y0).toBeGreaterThanOrEqual(top - 1);
  expect(x0 + across).toBeLessThanOrEqual(left + width + 1);
  expect(y0 + down).toBeLessThanOrEqual(top + height + 1);
});

test('brush and lasso can also select exactly what is drawn', async ({ demo }) => {
  const { page } = demo;
  await page.keyboard.press('l');
  await page.check('#exact');
  await demo.stroke([
    [100, 100],
    [200, 100],
    [200, 150],
    [100, 150],
  ]);
  const lasso = await demo.selected(0);
  expect(Math.abs(lasso - 100 * 50)).toBeLessThan(200);

  await page.keyboard.press('b');
  await demo.stroke([
    [300, 200],
    [400, 200],
  ]);
  const brushed = await demo.selected(lasso);
  const { scale } = await demo.camera();
  // A stroke is a box with half a disc at each end.
  const radius = 12 / scale;
  expect(Math.abs(brushed - (200 * radius + Math.PI * radius ** 2))).toBeLessThan(0.1 * brushed);
  expect(decodeRle((await selection(demo)).rle)[200 * 600 + 350]).toBe(1);
});

test('the photo is zoomed and moved', async ({ demo }) => {
  const { page } = demo;
  const fitted = await demo.camera();
  // Wheels report whole pixels, so the pointer is put on one.
  const view = (await page.locator('#overlay').boundingBox())!;
  const [left, top] = [Math.round(view.x) + 300, Math.round(view.y) + 200];
  const underPointer = async () => {
    const { scale, x, y } = await demo.camera();
    return [(left - view.x - x) / scale, (top - view.y - y) / scale] as const;
  };
  const before = await underPointer();
  await page.mouse.move(left, top);
  await page.mouse.wheel(0, -400);
  await expect.poll(async () => (await demo.camera()).scale).toBeGreaterThan(fitted.scale);
  const after = await underPointer();
  expect(Math.hypot(after[0] - before[0], after[1] - before[1])).toBeLessThan(0.1);

  await page.keyboard.press('1');
  expect((await demo.camera()).scale).toBeCloseTo(1);
  await page.keyboard.press('+');
  expect((await demo.camera()).scale).toBeCloseTo(1.5);
  await page.keyboard.press('-');
  expect((await demo.camera()).scale).toBeCloseTo(1);

  const still = await demo.camera();
  const [cx, cy] = await demo.onScreen([300, 200]);
  await page.mouse.move(cx, cy);
  await page.mouse.down({ button: 'middle' });
  await page.mouse.move(cx + 40, cy + 30, { steps: 4 });
  await page.mouse.up({ button: 'middle' });
  expectCamera(await demo.camera(), { ...still, x: still.x + 40, y: still.y + 30 });

  await page.locator('#overlay').focus();
  await page.keyboard.down('Space');
  await page.mouse.down();
  await page.mouse.move(cx, cy, { steps: 4 });
  await page.mouse.up();
  await page.keyboard.up('Space');
  expectCamera(await demo.camera(), still);
  expect(await demo.selected()).toBe(0);

  await page.keyboard.press('0');
  expectCamera(await demo.camera(), fitted);
});

alone.describe('on a phone', () => {
  alone.use({ hasTouch: true, isMobile: true, viewport: { width: 360, height: 740 } });

  alone('two fingers zoom, and a long press opens the menu', async ({ demo, page }) => {
    await demo.start(QUICK);
    await demo.choose('coffee.jpg', sample('coffee'));
    await demo.arrive('full');
    const { entities } = await entitiesOf(demo);
    const session = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', points: Point[]) =>
      session.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: points.map(([x, y], id) => ({ x, y, id })),
      });
    const { scale } = await demo.camera();
    const [x, y] = await demo.onScreen([300, 200]);
    await touch('touchStart', [[x - 30, y]]);
    await touch('touchStart', [
      [x - 30, y],
      [x + 30, y],
    ]);
    for (const apart of [40, 50, 60])
      await touch('touchMove', [
        [x - apart, y],
        [x + apart, y],
      ]);
    await touch('touchEnd', []);
    await expect.poll(async () => (await demo.camera()).scale / scale).toBeCloseTo(2, 1);
    expect(await demo.selected()).toBe(0);

    await page.tap('#zoom-fit');
    await touch('touchStart', [await demo.onScreen(insideOf(entities[1]))]);
    await expect(page.locator('#pick-menu')).toBeVisible();
    await touch('touchEnd', []);
    await page.locator('#pick-menu button').last().tap();
    expect(await demo.selected(0)).toBeGreaterThan(0);
  });
});
