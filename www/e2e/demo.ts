// Uses the demo as a person does. Points are in pixels of the photo.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test as base, type Download, expect, type Page } from '@playwright/test';
import type { Box, Scene } from 'aims-web';

type Prompt = 'full' | 'entity' | 'entities' | 'relation' | 'box' | 'points';

export class Demo {
  /** The width of the photo, in pixels. Clicks and drags need it. */
  width = 0;

  constructor(readonly page: Page) {}

  /** Opens the page and waits until the model is loaded or has failed to load. */
  async start(query: string): Promise<void> {
    await this.page.goto(`?${query}`);
    await expect(this.page.locator('#status')).toHaveText(/^Ready|did not work/);
    await this.idle();
  }

  async idle(): Promise<void> {
    await expect(this.page.locator('body')).toHaveAttribute('data-state', 'idle');
  }

  async arrive(prompt: Prompt): Promise<void> {
    await expect(this.page.locator('body')).toHaveAttribute('data-view', prompt);
    await this.idle();
  }

  async click(point: [x: number, y: number], keys: 'Shift'[] = []): Promise<void> {
    const [x, y] = await this.#onScreen(point);
    for (const key of keys) await this.page.keyboard.down(key);
    await this.page.mouse.click(x, y);
    for (const key of keys) await this.page.keyboard.up(key);
  }

  async hover(point: [x: number, y: number]): Promise<void> {
    await this.page.mouse.move(...(await this.#onScreen(point)));
  }

  /** Drags from inside one corner pixel of the box to inside the opposite one. */
  async drag([x, y, width, height]: Box): Promise<void> {
    await this.page.mouse.move(...(await this.#onScreen([x, y])));
    await this.page.mouse.down();
    await this.page.mouse.move(...(await this.#onScreen([x + width - 1, y + height - 1])), {
      steps: 5,
    });
    await this.page.mouse.up();
  }

  async scene(): Promise<Scene> {
    return JSON.parse((await this.#save('#save-scene')).toString()) as Scene;
  }

  async cutout(): Promise<Buffer> {
    return this.#save('#save-cutout');
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
      // This waits for two frames, because the canvases get their new size in the first.
      await this.page.evaluate(
        () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))),
      );
      await this.page.screenshot({ path: path(width), fullPage: true });
    }
  }

  async #save(button: string): Promise<Buffer> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      this.page.click(button),
    ]);
    return readFileSync(await (download as Download).path());
  }

  /** Gives the centre of a pixel of the photo, on the screen. */
  async #onScreen([x, y]: [number, number]): Promise<[number, number]> {
    const canvas = this.page.locator('#overlay');
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    if (!box) throw new Error('The photo is not shown.');
    const scale = box.width / this.width;
    return [box.x + (x + 0.5) * scale, box.y + (y + 0.5) * scale];
  }
}

/**
 * Every test also checks that the page contacts only its own server and reports no errors in the
 * console.
 */
export const test = base.extend<{ demo: Demo; complaints: string[] }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the parameter's names.
  complaints: async ({}, use) => {
    const complaints: string[] = [];
    await use(complaints);
    expect(complaints).toEqual([]);
  },
  demo: async ({ page, baseURL, complaints }, use) => {
    page.context().on('request', (request) => {
      const own = [baseURL ?? '', `blob:${baseURL}`, 'data:'].some((start) =>
        request.url().startsWith(start),
      );
      if (!own) complaints.push(`request to ${request.url()}`);
    });
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`page: ${error.message}`));
    await use(new Demo(page));
  },
});

export const sample = (name: string): Buffer =>
  readFileSync(new URL(`../public/samples/${name}.jpg`, import.meta.url));

export { expect };
