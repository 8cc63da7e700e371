// Uses the demo as a person does. Points are in pixels of the photo.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test as base, type Download, expect, type Page } from '@playwright/test';
import type { Box, Mask, Scene } from 'aims-web';
import { ADDRESS } from './browser.js';

/** A point, in pixels. */
export type Point = [x: number, y: number];

/** What the export menu saves as JSON. */
export type Saved = Scene & { selected: number | null };

type Prompt = 'full' | 'entity' | 'entities' | 'relation' | 'box';

export class Demo {
  constructor(readonly page: Page) {}

  /** Opens the page without a photo and waits until the model is loaded or has failed to load. */
  async start(query: string): Promise<void> {
    await this.page.goto(`?photo=none&${query}`);
    await expect(this.page.locator('#status')).toHaveText(/^Ready|did not work/);
    await this.idle();
  }

  async idle(): Promise<void> {
    await expect(this.page.locator('body')).toHaveAttribute('data-state', 'idle');
  }

  /**
   * Cancels the next work as soon as it says that it is at this stage. The page itself does it,
   * because quick work may end before a click from outside arrives.
   */
  async cancelAt(stage: string): Promise<void> {
    await this.page.evaluate((stage) => {
      const byId = (id: string) => document.getElementById(id)!;
      const observer = new MutationObserver(() => {
        if (document.body.dataset.state !== 'busy') return;
        if (!byId('progress-text').textContent?.startsWith(stage)) return;
        observer.disconnect();
        byId('cancel').click();
      });
      observer.observe(document.body, { attributes: true, childList: true, subtree: true });
    }, stage);
  }

  async arrive(prompt: Prompt): Promise<void> {
    await expect(this.page.locator('body')).toHaveAttribute('data-view', prompt);
    await this.idle();
  }

  /** Waits until the number of selected pixels is no longer `before`, and gives it. */
  async selected(before?: number): Promise<number> {
    const body = this.page.locator('body');
    if (before !== undefined)
      await expect(body).not.toHaveAttribute('data-selected', String(before));
    await this.idle();
    return Number(await body.getAttribute('data-selected'));
  }

  /** Undoes all edits, and puts tools and the zoom back. */
  async reset(): Promise<void> {
    const { page } = this;
    await page.keyboard.press('Escape');
    await this.idle();
    while (await page.locator('#undo').isEnabled()) await page.click('#undo');
    await page.locator('#preview').uncheck({ force: true });
    for (const key of ['b', '0']) await page.keyboard.press(key);
    await page.uncheck('#exact');
    await page.keyboard.press('v');
    await page.mouse.move(0, 0);
  }

  async click(point: Point, keys: ('Shift' | 'Alt')[] = []): Promise<void> {
    const [x, y] = await this.onScreen(point);
    for (const key of keys) await this.page.keyboard.down(key);
    await this.page.mouse.click(x, y);
    for (const key of keys) await this.page.keyboard.up(key);
  }

  async doubleClick(point: Point): Promise<void> {
    await this.page.mouse.dblclick(...(await this.onScreen(point)));
  }

  async hover(point: Point): Promise<void> {
    await this.page.mouse.move(...(await this.onScreen(point)));
  }

  /** Drags from inside one corner pixel of the box to inside the opposite one. */
  async drag([x, y, width, height]: Box): Promise<void> {
    await this.stroke([
      [x, y],
      [x + width - 1, y + height - 1],
    ]);
  }

  /** Presses the button at the first point, and moves through the others. */
  async stroke(points: Point[], button: 'left' | 'middle' = 'left'): Promise<void> {
    const places = [];
    for (const point of points) places.push(await this.onScreen(point));
    await this.page.mouse.move(...places[0]!);
    await this.page.mouse.down({ button });
    for (const place of places.slice(1)) await this.page.mouse.move(...place, { steps: 5 });
    await this.page.mouse.up({ button });
  }

  async scene(): Promise<Saved> {
    return JSON.parse((await this.save('json')).toString());
  }

  /** Gives the file that the export menu saves. */
  async save(format: string): Promise<Buffer> {
    await this.page.click('#export');
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      this.page.click(`[data-format=${format}]`),
    ]);
    return readFileSync(await (download as Download).path());
  }

  async choose(name: string, buffer: Buffer): Promise<void> {
    await this.page
      .locator('#file')
      .setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
  }

  async screenshot(name: string): Promise<void> {
    const path = (width: number) =>
      fileURLToPath(new URL(`screenshots/${name}-${width}.png`, import.meta.url));
    for (const [width, height] of [
      [360, 740],
      [1440, 900],
    ] as const) {
      await this.page.setViewportSize({ width, height });
      await this.frames();
      await this.page.screenshot({ path: path(width) });
    }
  }

  /** Waits for two frames. In the first one, canvases get a new size. */
  async frames(): Promise<void> {
    await this.page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
    );
  }

  /** Gives the scale of the photo in CSS pixels, and where its top left corner is in the view. */
  async camera(): Promise<{ scale: number; x: number; y: number }> {
    const camera = (await this.page.getAttribute('#overlay', 'data-camera')) ?? '';
    const [scale, x, y] = camera.split(' ').map(Number) as [number, number, number];
    return { scale, x, y };
  }

  /** Gives the centre of a pixel of the photo, on the screen. */
  async onScreen([x, y]: Point): Promise<Point> {
    const box = await this.page.locator('#overlay').boundingBox();
    if (!box) throw new Error('The photo is not shown.');
    const camera = await this.camera();
    return [
      box.x + camera.x + (x + 0.5) * camera.scale,
      box.y + camera.y + (y + 0.5) * camera.scale,
    ];
  }
}

/** Gives the two largest entities of a scene. */
export function largestEntities({ masks }: Scene): [Mask, Mask] {
  const [first, second] = masks
    .filter(({ level }) => level === 'entity')
    .sort((a, b) => b.area - a.area);
  expect(second).toBeDefined();
  return [first!, second!];
}

/** Gives the mask that is selected. */
export function selectedMask({ masks, selected }: Saved): Mask {
  const mask = masks.find(({ id }) => id === selected);
  expect(mask).toBeDefined();
  return mask!;
}

/** Collects what the page must not do: contact another server, and report errors in the console. */
function watch(page: Page, complaints: string[]): void {
  page.context().on('request', (request) => {
    const own = [ADDRESS, `blob:${ADDRESS}`, 'data:'].some((start) =>
      request.url().startsWith(start),
    );
    if (!own) complaints.push(`request to ${request.url()}`);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`page: ${error.message}`));
}

/** Every test also checks that the page does nothing that it must not do. */
export const test = base.extend<{ demo: Demo }>({
  demo: async ({ page }, use) => {
    const complaints: string[] = [];
    watch(page, complaints);
    await use(new Demo(page));
    expect(complaints).toEqual([]);
  },
});

/** Settings with which the CPU is quick. What is found is worse. */
export const QUICK = 'device=cpu&size=256&queries=16&model=models/aims-tiny-q4.safetensors';

/**
 * Makes tests that share one page with one photo, because opening a photo takes long. Before each
 * test, all edits are undone.
 */
export const testWith = (photo: string) =>
  base.extend<{ demo: Demo }, { opened: { demo: Demo; complaints: string[] } }>({
    opened: [
      async ({ browser }, use) => {
        const context = await browser.newContext({
          baseURL: ADDRESS,
          viewport: { width: 1440, height: 900 },
          permissions: ['clipboard-read', 'clipboard-write'],
        });
        const demo = new Demo(await context.newPage());
        const complaints: string[] = [];
        watch(demo.page, complaints);
        await demo.start(QUICK);
        await demo.choose(`${photo}.jpg`, sample(photo));
        await demo.arrive('full');
        await use({ demo, complaints });
        await context.close();
      },
      { scope: 'worker', timeout: 10 * 60_000 },
    ],
    demo: async ({ opened: { demo, complaints } }, use) => {
      await demo.reset();
      await use(demo);
      expect(complaints.splice(0)).toEqual([]);
    },
  });

export const sample = (name: string): Buffer =>
  readFileSync(new URL(`../public/samples/${name}.jpg`, import.meta.url));

export { expect };
