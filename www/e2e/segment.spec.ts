import type { Level, Scene } from 'aims-web';
import { MIN_SCORES, missing, sure } from '../../pkg/testing/scenes.js';
import { type Demo, expect, test } from './demo.js';
import { CASES, goldenOf } from './scenes.js';

function expectLike(
  found: Scene,
  expected: Scene,
  minScores: Partial<Record<Level, number>>,
): void {
  for (const [level, minScore] of Object.entries(minScores) as [Level, number][]) {
    expect(sure(expected, level, minScore), level).not.toEqual([]);
    expect(missing(expected, found, level, minScore)).toEqual([]);
  }
}

/** Gives a number that depends on what is drawn over the photo. */
const drawn = (demo: Demo) =>
  demo.page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    let sum = 0;
    for (const canvas of document.querySelectorAll<HTMLCanvasElement>('#masks, #overlay')) {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i++) sum = (sum + data[i]! * (i % 8191)) % 2147483647;
    }
    return sum;
  });

for (const testCase of CASES) {
  test(`photo to masks: ${testCase.name}`, async ({ demo, context }) => {
    const { page } = demo;
    const { name, device, photo, model, size, mode, points, entity, second, box, unrelated } =
      testCase;
    const golden = goldenOf(testCase);
    const { part, entity: minEntity, relation, prompted } = MIN_SCORES[mode];

    await demo.start(
      `device=${device}&size=${size}&mode=${mode}&points=${points}${model ? `&model=${model}` : ''}`,
    );
    await expect(page.locator('body')).toHaveAttribute('data-device', device);
    await demo.screenshot(`${name}-0-start`);

    await test.step('full image, three levels', async () => {
      await page.click(`[data-sample=${photo}]`);
      await demo.arrive('full');
      const scene = await demo.scene();
      expectLike(scene, golden.full, {
        part,
        entity: minEntity,
        ...(unrelated ? {} : { relation }),
      });
      if (unrelated) expect(scene.masks.filter(({ level }) => level === 'relation')).toEqual([]);
    });

    // The model is loaded, so from here on nothing may need the server.
    await context.setOffline(true);

    await test.step('levels are drawn, and the mask under the pointer is highlighted', async () => {
      const seen = new Set<number>();
      const levels = (['part', 'relation', 'entity'] as const).filter(
        (level) => level !== 'relation' || !unrelated,
      );
      for (const level of levels) {
        await page.click(`#levels label:has([value=${level}])`);
        await expect(page.locator(`#levels input[value=${level}]`)).toBeChecked();
        await page.mouse.move(0, 0);
        seen.add(await drawn(demo));
        await demo.screenshot(`${name}-1-${level}`);
      }
      await demo.hover(entity);
      await expect(page.locator('#graph .item.lit')).toHaveCount(1);
      seen.add(await drawn(demo));
      expect(seen.size).toBe(levels.length + 1);
    });

    await test.step('an entity opens its parts', async () => {
      await demo.doubleClick(entity);
      await demo.arrive('entity');
      expectLike(await demo.scene(), golden.entity, { part: prompted });
      await demo.screenshot(`${name}-2-parts`);
      const png = await demo.save('png');
      expect(png.subarray(1, 4).toString()).toBe('PNG');
    });

    await test.step('a second entity gives their relation', async () => {
      await page.keyboard.press('p');
      await demo.click(entity);
      await demo.click(second);
      await demo.arrive('entities');
      await page.keyboard.press('v');
      expectLike(await demo.scene(), golden.entities, { relation: 0 });
      await demo.screenshot(`${name}-3-relation`);
    });

    await test.step('back, then a box', async () => {
      await page.keyboard.press('Escape');
      await demo.arrive('full');
      await demo.drag(box);
      await demo.arrive('box');
      await expect(page.locator('#trail')).toContainText(`Box ${box[2]} × ${box[3]}`);
      expectLike(await demo.scene(), golden.box, { entity: prompted });
      await demo.screenshot(`${name}-4-box`);
    });
  });
}
