// The edge of the selection, the background, and the result.
import type { Mask } from 'aims-web';
import { type Demo, expect, type Point, sample, testWith } from './demo.js';
import { differences, pixelAt, pixelsOf, softPixels } from './pixels.js';
import { insideOf } from './places.js';

const test = testWith('chelsea');

/** Selects the largest entity, and gives it. */
async function select(demo: Demo): Promise<Mask> {
  const [largest] = (await demo.scene()).masks
    .filter(({ level }) => level === 'entity')
    .sort((a, b) => b.area - a.area);
  await demo.click(insideOf(largest!));
  expect(await demo.selected(0)).toBe(largest!.area);
  return largest!;
}

const slide = async (demo: Demo, name: string, value: number) => {
  await demo.page.locator(`#edge [name=${name}]`).fill(String(value));
  await demo.idle();
};

const way = async (demo: Demo, name: string) => {
  await demo.page.click(`#edge label:has([value=${name}])`);
  await demo.idle();
};

test('a plain edge is softened, a refined one follows the photo, and both can be undone', async ({
  demo,
}) => {
  const { page } = demo;
  await select(demo);
  await slide(demo, 'feather', 0);
  const hard = await pixelsOf(demo.page, await demo.save('png'));
  expect(softPixels(hard)).toBe(0);
  await slide(demo, 'feather', 8);
  const soft = await pixelsOf(demo.page, await demo.save('png'));
  expect(softPixels(soft)).toBeGreaterThan(0);

  await way(demo, 'quick');
  await expect(page.locator('#divider')).toBeVisible();
  const refined = await pixelsOf(demo.page, await demo.save('png'));
  expect(softPixels(refined)).toBeGreaterThan(0);
  expect(refined.data.equals(soft.data)).toBe(false);

  await page.keyboard.press('Control+z');
  await expect(page.locator('#edge')).toHaveAttribute('data-way', 'plain');
  const again = await pixelsOf(demo.page, await demo.save('png'));
  expect(again.data.equals(soft.data)).toBe(true);
});

test('the edge brush changes the edge only where it paints', async ({ demo }) => {
  const { page } = demo;
  const mask = await select(demo);
  await slide(demo, 'feather', 0);
  await slide(demo, 'shift', 0);
  await page.click('#backdrop label:has([value=black])');
  const before = await pixelsOf(demo.page, await demo.save('picture'));
  await page.keyboard.press('e');
  const [left, top, , height] = mask.bbox;
  const stroke: [Point, Point] = [
    [left + 20, top + Math.round(height / 3)],
    [left + 20, top + Math.round(height / 2)],
  ];
  await demo.stroke(stroke);
  await expect(page.locator('#edge-unbrush')).toBeVisible();
  const after = await pixelsOf(demo.page, await demo.save('picture'));
  const changed = differences(before, after);
  expect(changed).not.toEqual([]);
  const reach = 12 / (await demo.camera()).scale + 2;
  const [[x0, y0], [, y1]] = stroke;
  const far = changed.filter(([x, y]) => Math.hypot(x - x0, Math.max(y0 - y, 0, y - y1)) > reach);
  expect(far).toEqual([]);
  await page.click('#edge-unbrush');
  expect(differences(before, await pixelsOf(demo.page, await demo.save('picture')))).toEqual([]);
});

test('a careful edge can be cancelled', async ({ demo }) => {
  const { page } = demo;
  await select(demo);
  await demo.cancelAt('Finding the edge');
  await page.click('#edge label:has([value=careful])');
  await expect(page.locator('#status')).toHaveText('Cancelled.');
  await demo.idle();
  // The cut-out with the mask's own edge is still there.
  await expect(page.locator('#divider')).toBeVisible();
});

test('before and after: the line is dragged and moved with keys', async ({ demo }) => {
  const { page } = demo;
  await select(demo);
  await page.click('#backdrop label:has([value=black])');
  const divider = page.locator('#divider');
  await expect(divider).toHaveAttribute('aria-valuenow', '50');
  const shown = async (point: Point) => {
    await demo.frames();
    const { scale, x, y } = await demo.camera();
    return page.evaluate(
      ([px, py]) => {
        const canvas = document.querySelector<HTMLCanvasElement>('#photo')!;
        const [ratioX, ratioY] = [
          canvas.width / canvas.clientWidth,
          canvas.height / canvas.clientHeight,
        ];
        return [...canvas.getContext('2d')!.getImageData(px! * ratioX, py! * ratioY, 1, 1).data];
      },
      [x + (point[0] + 0.5) * scale, y + (point[1] + 0.5) * scale],
    );
  };
  const corner: Point = [4, 4];
  expect(await shown(corner)).not.toEqual([0, 0, 0, 255]);
  const box = (await divider.boundingBox())!;
  const view = (await page.locator('#view').boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + 100);
  await page.mouse.down();
  await page.mouse.move(view.x + 0.2 * view.width, box.y + 100, { steps: 4 });
  await page.mouse.up();
  await expect(divider).toHaveAttribute('aria-valuenow', '20');
  await page.keyboard.press('Home');
  await expect(divider).toHaveAttribute('aria-valuenow', '0');
  expect(await shown(corner)).toEqual([0, 0, 0, 255]);
  await page.keyboard.press('c');
  await expect(divider).toBeHidden();
});

test('the cut-out is moved over other backgrounds', async ({ demo }) => {
  const { page } = demo;
  const mask = await select(demo);
  const place = insideOf(mask);
  await page.click('#backdrop label:has([value=white])');
  await page.keyboard.press('t');
  const { scale } = await demo.camera();
  const [x, y] = await demo.onScreen(place);
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x - 20 * scale, y, { steps: 4 });
  await page.mouse.up();
  await page.locator('#overlay').focus();
  await expect(page.locator('#put-back')).toBeVisible();
  const moved = await pixelsOf(demo.page, await demo.save('picture'));
  await page.keyboard.press('Control+z');
  await expect(page.locator('#put-back')).toBeHidden();
  const still = await pixelsOf(demo.page, await demo.save('picture'));
  expect(pixelAt(moved, [place[0] - 20, place[1]])).toEqual(pixelAt(still, place));

  await page.click('#backdrop label:has([value=blur])');
  const blurred = await pixelsOf(demo.page, await demo.save('picture'));
  expect(pixelAt(blurred, place)).toEqual(pixelAt(still, place));
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.click('#backdrop label:has([value=picture])'),
  ]);
  await chooser.setFiles({ name: 'coffee.jpg', mimeType: 'image/jpeg', buffer: sample('coffee') });
  await expect(page.locator('#backdrop [value=picture]')).toBeChecked();
  const composed = await pixelsOf(demo.page, await demo.save('picture'));
  expect(pixelAt(composed, place)).toEqual(pixelAt(still, place));
  expect(differences(composed, blurred)).not.toEqual([]);
});
