// Tests each tool in Firefox and WebKit, with real pointers and keys.
import { decodeRle, intersectMasks, rleArea } from 'aims-web';
import type { Point } from '../e2e/demo.js';
import { differences, pixelAt, pixelsOf, softPixels } from '../e2e/pixels.js';
import { covers, insideOf } from '../e2e/places.js';
import { type Demo, expect, test } from './demo.js';

/** Selects the second largest entity, and gives it. */
async function select(demo: Demo) {
  const [, entity] = await demo.entities();
  await demo.click(insideOf(entity));
  await demo.expectSelected(entity.area);
  return entity;
}

test('pick: a selection is built up, and every step can be undone', async ({ demo }) => {
  const { driver } = demo;
  const { width, height } = await demo.scene();
  const [a, b] = await demo.entities();
  const [inA, inB] = [insideOf(a), insideOf(b)];
  const areas = [0];
  const step = async (area: number) => {
    await demo.expectSelected(area);
    areas.push(area);
  };
  await demo.click(inA);
  await step(a.area);
  await demo.click(inB, ['Shift']);
  await step(a.area + b.area);
  await demo.click(inA, ['Alt']);
  await step(b.area);
  await driver.press('i');
  await step(width * height - b.area);
  await demo.click(inA, ['Shift', 'Alt']);
  await step(a.area);
  await driver.press('Control+d');
  await step(0);

  for (const area of areas.slice(0, -1).reverse()) {
    await driver.press('Control+z');
    await demo.expectSelected(area);
  }
  expect(await demo.isDisabled('#undo')).toBe(true);
  for (const area of areas.slice(1)) {
    await driver.press('Control+Shift+Z');
    await demo.expectSelected(area);
  }
  expect(await demo.isDisabled('#redo')).toBe(true);
});

test('pick: the menu, the keys and the wheel give larger and smaller answers', async ({ demo }) => {
  const { driver } = demo;
  const [, thing] = await demo.entities();
  const place = insideOf(thing);
  const openMenu = async () => {
    await demo.click(place, [], 'right');
    await expect
      .poll(() => demo.isVisible('#pick-menu button:nth-child(2)'), 'the menu is open')
      .toBe(true);
  };
  await openMenu();
  await demo.press('#pick-menu button:first-child');
  const smallest = await demo.selected(0);
  await openMenu();
  for (let i = 0; i < 20; i++) await driver.press('ArrowDown');
  await driver.press('Enter');
  const largest = await demo.selected(smallest);
  expect(largest).toBeGreaterThan(smallest);

  // The pointer stays where it is from here on.
  await demo.click(place);
  const turn = async (by: number) => driver.wheel(await demo.onScreen(place), by, 'Alt');
  const ways: [way: string, go: () => Promise<void>, area: number][] = [
    ['[', () => driver.press('['), smallest],
    [']', () => driver.press(']'), largest],
    ['Alt and the wheel down', () => turn(100), smallest],
    ['Alt and the wheel up', () => turn(-100), largest],
  ];
  for (const [way, go, area] of ways)
    await expect
      .poll(async () => {
        await go();
        await driver.press('Enter');
        return Math.abs((await demo.selected()) / area - 1);
      }, `how far the size that ${way} reaches is off`)
      .toBeLessThan(0.15);
});

test('pick: a double click shows what is inside, and Escape goes back', async ({ demo }) => {
  const { driver } = demo;
  const [thing] = await demo.entities();
  await driver.mouse([await demo.onScreen(insideOf(thing)), 'down', 'up', 'down', 'up']);
  await demo.arrive('entity');
  await driver.press('Escape');
  await demo.arrive('full');
});

test('box, brush and lasso ask the network for one thing', async ({ demo }) => {
  const { driver } = demo;
  const [, thing] = await demo.entities();
  const [x, y] = insideOf(thing);
  const [left, top, width, height] = thing.bbox;
  const [right, bottom] = [left + width - 1, top + height - 1];

  await driver.press('m');
  await demo.stroke([
    [left, top],
    [right, bottom],
  ]);
  await demo.selected(0);
  const boxed = await demo.selection();
  const both = rleArea(intersectMasks(boxed, thing));
  expect(both / (boxed.area + thing.area - both)).toBeGreaterThan(0.6);

  // Two tools may find the same mask, so the selection is empty before each.
  await driver.press('Control+d');
  await demo.expectSelected(0);
  await driver.press('b');
  await demo.stroke([
    [x - 4, y],
    [x + 4, y + 2],
  ]);
  await demo.selected(0);
  expect(covers(await demo.selection(), [x, y])).toBe(true);

  await driver.press('Control+d');
  await demo.expectSelected(0);
  await driver.press('l');
  await demo.stroke([
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ]);
  await demo.selected(0);
  const [x0, y0, across, down] = (await demo.selection()).bbox;
  expect(x0).toBeGreaterThanOrEqual(left - 2);
  expect(y0).toBeGreaterThanOrEqual(top - 2);
  expect(x0 + across).toBeLessThanOrEqual(left + width + 2);
  expect(y0 + down).toBeLessThanOrEqual(top + height + 2);
});

test('brush and lasso can also select exactly what is drawn', async ({ demo }) => {
  const { driver } = demo;
  await demo.exact(true);
  await driver.press('l');
  await demo.stroke([
    [100, 100],
    [200, 100],
    [200, 150],
    [100, 150],
  ]);
  const lasso = await demo.selected(0);
  expect(Math.abs(lasso - 100 * 50)).toBeLessThan(300);

  await driver.press('b');
  await demo.stroke([
    [300, 200],
    [400, 200],
  ]);
  const brushed = await demo.selected(lasso);
  const { scale } = await demo.camera();
  // A stroke is a box with half a disc at each end.
  const radius = 12 / scale;
  expect(Math.abs(brushed - (200 * radius + Math.PI * radius ** 2))).toBeLessThan(0.1 * brushed);
  expect(decodeRle((await demo.selection()).rle)[200 * 600 + 350]).toBe(1);
});

test('pair: two entities that are clicked have a relation', async ({ demo }) => {
  const { driver } = demo;
  const [a, b] = await demo.entities();
  await driver.press('p');
  await demo.click(insideOf(a));
  await expect.poll(() => demo.text('#status'), 'the first is picked').toContain('second entity');
  await demo.click(insideOf(b));
  await demo.arrive('entities');
});

test('edge: the quick way and the edge brush change it, and can be undone', async ({ demo }) => {
  const { driver } = demo;
  const mask = await select(demo);
  const plain = await pixelsOf(demo.driver, await demo.save('png'));
  await demo.press('#edge label:has([value=quick])');
  await expect.poll(() => demo.isVisible('#divider'), 'the result is shown').toBe(true);
  await demo.idle();
  const quick = await pixelsOf(demo.driver, await demo.save('png'));
  expect(softPixels(quick)).toBeGreaterThan(0);
  expect(quick.data.equals(plain.data)).toBe(false);
  const radius = () => demo.text('#radius-value');
  for (const turn of [() => demo.press('#edge [name=radius]'), () => driver.press('ArrowRight')]) {
    const before = await radius();
    await turn();
    await expect.poll(radius, 'the slider has moved').not.toBe(before);
    await demo.idle();
  }
  for (let i = 0; i < 3; i++) await driver.press('Control+z');
  await expect.poll(() => demo.attribute('#edge', 'data-way'), 'the way before').toBe('plain');

  await demo.press('#backdrop label:has([value=black])');
  const before = await pixelsOf(demo.driver, await demo.save('picture'));
  await driver.press('e');
  // The stroke crosses the edge that is left of the middle of the mask.
  let [edge, middle] = insideOf(mask);
  while (covers(mask, [edge, middle])) edge--;
  const line: [Point, Point] = [
    [edge, middle - 20],
    [edge, middle + 20],
  ];
  await demo.stroke(line);
  await expect.poll(() => demo.isVisible('#edge-unbrush'), 'the edge is brushed').toBe(true);
  await demo.idle();
  const changed = differences(before, await pixelsOf(demo.driver, await demo.save('picture')));
  expect(changed).not.toEqual([]);
  const reach = 12 / (await demo.camera()).scale + 2;
  const [[x0, y0], [, y1]] = line;
  const far = changed.filter(([x, y]) => Math.hypot(x - x0, Math.max(y0 - y, 0, y - y1)) > reach);
  expect(far).toEqual([]);
  await demo.press('#edge-unbrush');
  expect(differences(before, await pixelsOf(demo.driver, await demo.save('picture')))).toEqual([]);
});

test('before and after: the line is dragged and moved with keys', async ({ demo }) => {
  const { driver } = demo;
  await select(demo);
  await demo.press('#backdrop label:has([value=black])');
  await expect.poll(() => demo.isVisible('#divider'), 'the result is shown').toBe(true);
  const place = () => demo.attribute('#divider', 'aria-valuenow');
  const [left, top, width] = await demo.boxOf('#divider');
  const [viewLeft, , viewWidth] = await demo.boxOf('#view');
  await demo.drag([
    [left + width / 2, top + 100],
    [viewLeft + 0.2 * viewWidth, top + 100],
  ]);
  await expect.poll(place, 'the line has followed the pointer').toBe('20');
  await driver.press('ArrowRight');
  await expect.poll(place, 'the line has followed the key').toBe('22');
  await driver.press('Home');
  await expect.poll(place, 'the line is at the left').toBe('0');
  // The corner of the photo is outside the selection, so it is black now.
  const { x, y } = await demo.camera();
  await expect
    .poll(
      () =>
        driver.evaluate(
          (x, y) => {
            const canvas = document.querySelector<HTMLCanvasElement>('#photo')!;
            const ratio = canvas.width / canvas.clientWidth;
            const context = canvas.getContext('2d')!;
            return [...context.getImageData(x * ratio, y * ratio, 1, 1).data];
          },
          x + 5,
          y + 5,
        ),
      'the result is drawn',
    )
    .toEqual([0, 0, 0, 255]);
  await driver.press('c');
  await expect.poll(() => demo.isVisible('#divider'), 'the line is hidden').toBe(false);
});

test('move: the cut-out follows the pointer and the keys', async ({ demo }) => {
  const { driver } = demo;
  const place = insideOf(await select(demo));
  await demo.press('#backdrop label:has([value=white])');
  for (const key of ['1', 't']) await driver.press(key);
  const [x, y] = await demo.onScreen(place);
  await demo.drag([
    [Math.round(x), Math.round(y)],
    [Math.round(x) - 20, Math.round(y)],
  ]);
  await driver.press('ArrowUp');
  await driver.press('Shift+ArrowUp');
  await expect.poll(() => demo.isVisible('#put-back'), 'the cut-out is moved').toBe(true);
  const moved = await pixelsOf(demo.driver, await demo.save('picture'));
  await driver.press('Control+z');
  await driver.press('Control+z');
  await expect.poll(() => demo.isVisible('#put-back'), 'the cut-out is back').toBe(false);
  const still = await pixelsOf(demo.driver, await demo.save('picture'));
  expect(pixelAt(moved, [place[0] - 20, place[1] - 11])).toEqual(pixelAt(still, place));
});

test('the photo is zoomed and moved', async ({ demo }) => {
  const { driver } = demo;
  const fitted = await demo.camera();
  const expectCamera = async (what: string, expected: typeof fitted) => {
    for (const name of ['scale', 'x', 'y'] as const)
      await expect
        .poll(async () => (await demo.camera())[name], `${what}: ${name}`)
        .toBeCloseTo(expected[name], 4);
  };
  const [left, top] = await demo.boxOf('#view');
  const at: Point = [Math.round(left) + 300, Math.round(top) + 200];
  const underPointer = async () => {
    const { scale, x, y } = await demo.camera();
    return [(at[0] - left - x) / scale, (at[1] - top - y) / scale] as const;
  };
  const before = await underPointer();
  await driver.wheel(at, -400);
  await expect
    .poll(async () => (await demo.camera()).scale, 'the wheel has zoomed')
    .toBeGreaterThan(fitted.scale);
  const after = await underPointer();
  expect(Math.hypot(after[0] - before[0], after[1] - before[1])).toBeLessThan(0.1);

  const zooms: [key: string, scale: number][] = [
    ['1', 1],
    ['+', 1.5],
    ['-', 1],
  ];
  for (const [key, scale] of zooms) {
    await driver.press(key);
    await expect
      .poll(async () => (await demo.camera()).scale, `the scale after ${key}`)
      .toBeCloseTo(scale);
  }

  const still = await demo.camera();
  const [x, y] = (await demo.onScreen([300, 200])).map(Math.round) as Point;
  const there: Point = [x + 40, y + 30];
  await demo.drag([[x, y], there], 'middle');
  await expectCamera('the middle button', { ...still, x: still.x + 40, y: still.y + 30 });

  await demo.focus();
  await driver.keyDown('Space');
  await demo.drag([there, [x, y]]);
  await driver.keyUp('Space');
  await expectCamera('Space and a drag', still);
  expect(await demo.selected()).toBe(0);

  await driver.press('Control+ArrowLeft');
  await expectCamera('Control and an arrow', { ...still, x: still.x + 80 });
  await driver.press('0');
  await expectCamera('0', fitted);
});

test('two fingers zoom, and a long press opens the menu', async ({ demo, driven }) => {
  test.skip(driven === 'webkit', "WebKitGTK's driver knows no fingers");
  const { driver } = demo;
  const [, thing] = await demo.entities();
  const { scale } = await demo.camera();
  const [x, y] = (await demo.onScreen([300, 200])).map(Math.round) as Point;
  const finger = (side: 1 | -1): (Point | 'down' | 'up')[] => [
    [x + 30 * side, y],
    'down',
    ...[40, 50, 60].map((apart): Point => [x + apart * side, y]),
    'up',
  ];
  await driver.touch([finger(-1), finger(1)]);
  await expect
    .poll(async () => (await demo.camera()).scale / scale, 'the fingers have zoomed')
    .toBeCloseTo(2, 1);
  expect(await demo.selected()).toBe(0);

  await driver.press('0');
  await driver.touch([[await demo.onScreen(insideOf(thing)), 'down', 900, 'up']]);
  await expect.poll(() => demo.isVisible('#pick-menu'), 'the menu is open').toBe(true);
  await demo.press('#pick-menu button:last-child');
  expect(await demo.selected(0)).toBeGreaterThan(0);
});

test('exports: a file and the clipboard have the cut-out', async ({ demo }) => {
  const { bbox, id } = await select(demo);
  expect((await demo.scene()).selected).toBe(id);
  const { name, content: png } = await demo.download('png');
  expect(name).toBe(`coffee-entity-${id}.png`);
  expect(png.subarray(1, 4).toString()).toBe('PNG');
  // The soft edge reaches one pixel further on each side.
  expect(png.readUInt32BE(16) - bbox[2]).toBeLessThanOrEqual(2);
  expect(png.readUInt32BE(20) - bbox[3]).toBeLessThanOrEqual(2);
  await demo.driver.press('Control+c');
  await expect.poll(() => demo.text('#status'), 'it is copied').toBe('Copied the cut-out.');
});
