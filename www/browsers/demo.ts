// Uses the demo in a browser that Playwright cannot drive. Points are in pixels of the photo.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as base, expect } from '@playwright/test';
import type { Box, Mask } from 'aims-web';
import { StepError } from '../../scripts/lib.mjs';
import { largestEntities, type Point, QUICK, type Saved, selectedMask } from '../e2e/demo.js';
import { type Button, Driver, type Place, type Session, type Step } from './driver.js';
import { firefox } from './firefox.js';
import { webkit } from './webkit.js';

const BROWSERS = { firefox, webkit };

type Camera = { scale: number; x: number; y: number };

export class Demo {
  constructor(
    readonly driver: Driver,
    readonly downloads: string,
  ) {}

  /** Opens the page, and a sample in it. */
  async start(address: string, photo: string): Promise<void> {
    await this.driver.open(`${address}?photo=none&${QUICK}`);
    await expect.poll(() => this.text('#status'), 'the model is loaded').toMatch(/^Ready/);
    await this.idle();
    // The window may still get its size, so the first click can miss.
    await expect(async () => {
      await this.press(`[data-sample=${photo}]`);
      await expect
        .poll(() => this.hasPhoto(), { message: 'the sample is opened', timeout: 15_000 })
        .toBe(true);
    }).toPass({ timeout: 120_000 });
    await this.arrive('full');
  }

  /** Says whether a photo is shown or being worked on. */
  async hasPhoto(): Promise<boolean> {
    const [state, view] = await this.driver.evaluate(() => [
      document.body.dataset.state,
      document.body.dataset.view,
    ]);
    return state === 'busy' || view === 'full';
  }

  /** Undoes all edits, and puts tools and the zoom back. */
  async reset(): Promise<void> {
    await this.driver.press('Escape');
    await this.idle();
    while (!(await this.isDisabled('#undo'))) await this.press('#undo');
    if (await this.isChecked('#preview')) await this.press('#preview');
    await this.exact(false);
    for (const key of ['v', '0']) await this.driver.press(key);
    await this.driver.mouse([[0, 0]]);
  }

  attribute(selector: string, name: string): Promise<string | null> {
    return this.driver.evaluate(
      (selector, name) => document.querySelector(selector)!.getAttribute(name),
      selector,
      name,
    );
  }

  text(selector: string): Promise<string> {
    return this.driver.evaluate(
      (selector) => document.querySelector(selector)!.textContent,
      selector,
    );
  }

  isVisible(selector: string): Promise<boolean> {
    return this.driver.evaluate(
      (selector) => document.querySelector(selector)?.checkVisibility() ?? false,
      selector,
    );
  }

  isChecked(selector: string): Promise<boolean> {
    return this.driver.evaluate(
      (selector) => document.querySelector<HTMLInputElement>(selector)!.checked,
      selector,
    );
  }

  isDisabled(selector: string): Promise<boolean> {
    return this.driver.evaluate(
      (selector) => document.querySelector<HTMLButtonElement>(selector)!.disabled,
      selector,
    );
  }

  async idle(): Promise<void> {
    await expect.poll(() => this.attribute('body', 'data-state'), 'no work goes on').toBe('idle');
  }

  async arrive(prompt: string): Promise<void> {
    await expect
      .poll(() => this.attribute('body', 'data-view'), `the result of "${prompt}" is shown`)
      .toBe(prompt);
    await this.idle();
  }

  /** Waits until the number of selected pixels is no longer `before`, and gives it. */
  async selected(before?: number): Promise<number> {
    const area = async () => Number(await this.attribute('body', 'data-selected'));
    if (before !== undefined)
      await expect.poll(area, 'the selection has another size').not.toBe(before);
    await this.idle();
    return area();
  }

  /** Waits until the selection has this many pixels. */
  async expectSelected(area: number): Promise<void> {
    await expect
      .poll(() => this.attribute('body', 'data-selected'), 'the size of the selection')
      .toBe(String(area));
    await this.idle();
  }

  /** Clicks in the middle of something on the page, which must not be covered there. */
  async press(selector: string): Promise<void> {
    const [x, y, width, height] = await this.boxOf(selector);
    const place: Place = [x + width / 2, y + height / 2];
    const hit = await this.driver.evaluate(
      (selector, x, y) => {
        const found = document.elementFromPoint(x, y);
        return found && document.querySelector(selector)!.contains(found) ? '' : found?.outerHTML;
      },
      selector,
      ...place,
    );
    expect(hit, `what lies over ${selector}`).toBe('');
    await this.driver.mouse([place, 'down', 'up']);
  }

  /** Gives the place of something on the page, after it was scrolled into view. */
  boxOf(selector: string): Promise<Box> {
    return this.driver.evaluate((selector): Box => {
      const element = document.querySelector(selector)!;
      element.scrollIntoView({ block: 'nearest' });
      const { x, y, width, height } = element.getBoundingClientRect();
      return [x, y, width, height];
    }, selector);
  }

  /** Gives the photo the focus, as the Tab key does. */
  async focus(): Promise<void> {
    await this.driver.evaluate(() => document.querySelector<HTMLElement>('#overlay')!.focus());
  }

  /** Says whether the brush and the lasso select exactly what is drawn. */
  async exact(on: boolean): Promise<void> {
    if ((await this.isChecked('#exact')) === on) return;
    await this.driver.press('l');
    await this.press('#exact');
  }

  async click(point: Point, keys: string[] = [], button: Button = 'left'): Promise<void> {
    for (const key of keys) await this.driver.keyDown(key);
    await this.driver.mouse([await this.onScreen(point), 'down', 'up'], button);
    for (const key of keys) await this.driver.keyUp(key);
  }

  /** Presses the button at the first point, and moves through the others. */
  async stroke(points: Point[]): Promise<void> {
    const places = [];
    for (const point of points) places.push(await this.onScreen(point));
    await this.drag(places);
  }

  async drag([from, ...others]: Place[], button: Button = 'left'): Promise<void> {
    const steps: Step[] = [from!, 'down'];
    let [x, y] = from!;
    for (const [toX, toY] of others) {
      for (const part of [0.2, 0.4, 0.6, 0.8, 1])
        steps.push([x + part * (toX - x), y + part * (toY - y)]);
      [x, y] = [toX, toY];
    }
    await this.driver.mouse([...steps, 'up'], button);
  }

  async scene(): Promise<Saved> {
    return JSON.parse((await this.save('json')).toString());
  }

  /** Gives the two largest entities. */
  async entities(): Promise<[Mask, Mask]> {
    return largestEntities(await this.scene());
  }

  /** Gives the mask that is selected. */
  async selection(): Promise<Mask> {
    return selectedMask(await this.scene());
  }

  /**
   * Gives what the export menu saves. It is no download here, because WebKit's browser shows a bar
   * for each of them, which takes room from the page.
   */
  async save(format: string): Promise<Buffer> {
    await this.driver.evaluate(() => {
      const { createObjectURL } = URL;
      const { click } = HTMLAnchorElement.prototype;
      document.body.dataset.saved = '';
      URL.createObjectURL = (blob: Blob) => {
        URL.createObjectURL = createObjectURL;
        const reader = new FileReader();
        reader.onload = () => {
          document.body.dataset.saved = reader.result as string;
        };
        reader.readAsDataURL(blob);
        return createObjectURL(blob);
      };
      HTMLAnchorElement.prototype.click = () => {
        HTMLAnchorElement.prototype.click = click;
      };
    });
    await this.#choose(format);
    const saved = () => this.attribute('body', 'data-saved');
    await expect.poll(saved, `the export "${format}" is ready`).not.toBe('');
    return Buffer.from((await saved())!.split(',')[1]!, 'base64');
  }

  /** Gives the file that the browser downloads, and its name. */
  async download(format: string): Promise<{ name: string; content: Buffer }> {
    await this.#choose(format);
    const saved = () => {
      const names = readdirSync(this.downloads);
      // These belong to downloads that are not complete.
      if (names.some((name) => /\.(part|wkdownload)$/.test(name))) return undefined;
      const name = names.find((name) => name.startsWith('coffee'));
      const content = name && readFileSync(join(this.downloads, name));
      return content && content.length > 0 ? { name, content } : undefined;
    };
    await expect.poll(saved, `the browser has saved the export "${format}"`).toBeDefined();
    return saved()!;
  }

  async #choose(format: string): Promise<void> {
    await this.press('#export');
    await this.press(`[data-format=${format}]`);
  }

  /** Gives the scale of the photo in CSS pixels, and where its top left corner is in the view. */
  async camera(): Promise<Camera> {
    const camera = (await this.attribute('#overlay', 'data-camera')) ?? '';
    const [scale, x, y] = camera.split(' ').map(Number) as [number, number, number];
    return { scale, x, y };
  }

  /** Gives the centre of a pixel of the photo, on the screen. */
  async onScreen([x, y]: Point): Promise<Place> {
    const [left, top] = await this.boxOf('#overlay');
    const camera = await this.camera();
    return [left + camera.x + (x + 0.5) * camera.scale, top + camera.y + (y + 0.5) * camera.scale];
  }
}

export interface Options {
  driven: keyof typeof BROWSERS;
  address: string;
}

interface Opened {
  /** Says why the browser is not here. */
  missing?: string;
  demo?: Demo;
}

/** The tests of a browser share one page with one photo. Before each test, all edits are undone. */
export const test = base.extend<{ demo: Demo }, Options & { opened: Opened }>({
  driven: ['firefox', { scope: 'worker', option: true }],
  address: ['', { scope: 'worker', option: true }],
  opened: [
    async ({ driven, address }, use) => {
      const browser = BROWSERS[driven];
      try {
        browser.find();
      } catch (error) {
        if (!(error instanceof StepError)) throw error;
        return use({ missing: `${driven}: ${error.message}` });
      }
      const folder = mkdtempSync(join(tmpdir(), `aims-web-${driven}-`));
      let session: Session | undefined;
      try {
        session = await browser.open(folder);
        await session.send('SetWindowRect', { x: 0, y: 0, width: 1440, height: 1000 });
        const demo = new Demo(new Driver(session), folder);
        await demo.start(address, 'coffee');
        await use({ demo });
      } finally {
        await session?.close();
        rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
      }
    },
    { scope: 'worker', timeout: 10 * 60_000 },
  ],
  demo: async ({ opened: { missing, demo } }, use, info) => {
    base.skip(missing !== undefined, missing);
    await demo!.reset();
    await use(demo!);
    if (info.status === info.expectedStatus) return;
    const path = info.outputPath('screenshot.png');
    await writeFile(path, await demo!.driver.screenshot());
    info.attachments.push({ name: 'screenshot', path, contentType: 'image/png' });
  },
});

export { expect };
