// The package's own functions in a page, without the demo around them.
import type { Page } from '@playwright/test';
import type * as Aims from 'aims-web';
import { expect } from './demo.js';

declare global {
  interface Window {
    aims: typeof Aims;
    segmenter: Aims.Segmenter;
    photo: Blob;
    /** Resolves to the error's name and code, or to what came instead of an error. */
    failure: (call: Promise<unknown>) => Promise<unknown>;
  }
}

/** Shaders of the small model take a software adapter less time. */
export const modelFor = (device: Aims.Device) => (device === 'webgpu' ? 'models/aims-tiny-q8.safetensors' : undefined);

export async function open(page: Page): Promise<void> {
  await page.goto('?debug&device=cpu&size=512');
  await page.waitForFunction(() => window.aims);
  // The page loads the model as well; two downloads at once of what does not fit the test browser's cache fail each other.
  await expect(page.locator('body')).toHaveAttribute('data-device', 'cpu');
  await page.evaluate(async () => {
    window.photo = await (await fetch('samples/chelsea.jpg')).blob();
    window.failure = (call) =>
      call.then(
        (value) => ({ value }),
        (error: unknown) => (error instanceof window.aims.SegmenterError ? { name: error.name, code: error.code } : { error: String(error) }),
      );
    window.segmenter = await window.aims.Segmenter.create({ device: 'cpu', inputSize: 256 });
  });
}

export const error = (code: string) => ({ name: code === 'aborted' ? 'AbortError' : 'SegmenterError', code });

/** The worker's script gets this before it, to reach what a page cannot: its graphics device, as `device`. */
const PRELUDE = `
const { requestDevice } = GPUAdapter.prototype;
GPUAdapter.prototype.requestDevice = async function (...args) {
  return (self.device = await requestDevice.apply(this, args));
};
`;

/** Before {@link open}: lets {@link inWorker} reach the graphics device. */
export async function watchDevice(page: Page): Promise<void> {
  await page.route('**/worker-*.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: PRELUDE + (await response.text()) });
  });
}

/** Runs in the worker that was started last. */
export async function inWorker(page: Page, script: string): Promise<void> {
  await page.workers().at(-1)!.evaluate(script);
}
