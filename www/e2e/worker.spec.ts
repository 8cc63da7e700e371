// Pages whose browser does not start the package's worker, and pages that start it themselves.
import type { Page, Route } from '@playwright/test';
import { expect, test } from './demo.js';
import { error, open } from './package.js';

/** Adds headers to the answers for an address. */
async function addHeaders(page: Page, address: string | RegExp, added: Record<string, string>): Promise<void> {
  await page.route(address, async (route: Route) => {
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), ...added } });
  });
}

const PAGE = /\/\?debug/;
const WORKER = '**/worker-*.js';
const COEP = { 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** The page where the package is, without what its tests need besides. */
async function load(page: Page): Promise<string[]> {
  const models: string[] = [];
  page.on('request', (request) => request.url().endsWith('.safetensors') && models.push(request.url()));
  await page.goto('?debug&device=cpu&size=64');
  await page.waitForFunction(() => window.aims);
  return models;
}

/** What `create` rejects with in the page. */
const failure = (page: Page, options = {}) =>
  page.evaluate(async (options) => {
    const outcome = await window.aims.Segmenter.create({ device: 'cpu', inputSize: 64, ...options }).catch((error: unknown) => error);
    const { name, code, message } = outcome as { name?: string; code?: string; message?: string };
    return { name, code, message };
  }, options);

test('a copy of the package on another origin', async ({ demo: { page } }) => {
  await open(page);
  const assets = 'https://cdn.example/aims-web/';
  const told = await failure(page, { assets });
  expect(told).toEqual({ ...error('unsupported-environment'), message: expect.stringContaining('another origin') });
  const support = await page.evaluate((assets) => window.aims.Segmenter.isSupported({ assets }), assets);
  expect(support).toMatchObject({ supported: false, reason: told.message });
});

test('a sandboxed frame', async ({ demo: { page }, complaints }) => {
  await addHeaders(page, '**/assets/**', { 'Access-Control-Allow-Origin': '*' });
  await page.route('**/frame.html', (route) => route.fulfill({ contentType: 'text/html', body: '<iframe sandbox="allow-scripts" src="./?debug&device=cpu&size=64"></iframe>' }));
  const models: string[] = [];
  page.on('request', (request) => request.url().endsWith('.safetensors') && models.push(request.url()));
  await page.goto('frame.html');
  await expect.poll(() => page.frames().length).toBe(2);
  const frame = page.frames()[1]!;
  await frame.waitForFunction(() => window.aims);
  const { told, support, cached } = await frame.evaluate(async () => {
    const { Segmenter } = window.aims;
    const { code, message } = (await Segmenter.create().catch((error: unknown) => error)) as { code: string; message: string };
    const cached = await Segmenter.isCached();
    await Segmenter.clearCache();
    return { told: { code, message }, support: await Segmenter.isSupported(), cached };
  });
  expect(told).toEqual({ code: 'unsupported-environment', message: expect.stringContaining('allow-same-origin') });
  expect(support).toMatchObject({ supported: false, reason: told.message });
  expect(cached).toBe(false);
  expect(models).toEqual([]);
  complaints.length = 0; // of the page in the frame, which is not made for it
});

test('Trusted Types: with the policy it works, without it the error names it', async ({ demo: { page }, complaints }) => {
  let names = 'aims-web';
  await page.route(PAGE, async (route) => {
    const response = await route.fetch();
    const policy = `${response.headers()['content-security-policy']}; require-trusted-types-for 'script'; trusted-types ${names}`;
    await route.fulfill({ response, headers: { ...response.headers(), 'content-security-policy': policy } });
  });
  await open(page);
  expect(await page.evaluate(() => window.segmenter.adapter.device)).toBe('cpu');
  names = 'other';
  const models = await load(page);
  expect(await failure(page)).toEqual({ ...error('unsupported-environment'), message: expect.stringContaining('trusted-types aims-web') });
  expect(models).toEqual([]);
  complaints.length = 0; // the browser reports what it refuses
});

test('COEP on the page: the error says what the script lacks; with it there too it works', async ({ demo: { page }, complaints }) => {
  await addHeaders(page, PAGE, COEP);
  const models = await load(page);
  expect(await failure(page)).toEqual({ ...error('unsupported-environment'), message: expect.stringContaining('Cross-Origin-Embedder-Policy') });
  expect(models).toEqual([]);
  complaints.length = 0;
  await addHeaders(page, WORKER, COEP);
  await open(page);
  expect(await page.evaluate(() => window.segmenter.adapter.device)).toBe('cpu');
});

test('a worker that the page starts itself, at each start', async ({ demo: { page }, complaints }) => {
  await open(page);
  const address = page.workers().at(-1)!.url();
  const masks = await page.evaluate(async (address) => {
    const { aims, photo, failure } = window;
    const started: Worker[] = [];
    const worker = () => {
      started.push(new Worker(address, { type: 'module' }));
      return started.at(-1)!;
    };
    const segmenter = await aims.Segmenter.create({ device: 'cpu', inputSize: 128, worker, assets: 'https://cdn.example/', model: () => aimsModel() });
    const image = await segmenter.setImage(photo);
    const prompt = { kind: 'points', points: [{ x: 225, y: 150, label: 1 }] } as const;
    const before = await image.segment({ prompt });
    started[0]!.dispatchEvent(new ErrorEvent('error', { message: 'a defect', cancelable: true }));
    const after = await image.segment({ prompt });
    const wrong = await failure(aims.Segmenter.create({ worker: () => new Worker('/nowhere.js', { type: 'module' }) }));
    return { same: JSON.stringify(before) === JSON.stringify(after), masks: before.masks.length, started: started.length, wrong };

    async function aimsModel() {
      const name = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('.safetensors'))!.name;
      return fetch(name);
    }
  }, address);
  expect(masks).toEqual({ same: true, masks: 1, started: 2, wrong: error('unsupported-environment') });
  complaints.length = 0; // the script that is not there
});

test('segmenters that are created at once share one download', async ({ demo: { page } }) => {
  await open(page);
  const requests: string[] = [];
  page.on('request', (request) => request.url().endsWith('.safetensors') && requests.push(request.url()));
  const fractions = await page.evaluate(async () => {
    const { Segmenter } = window.aims;
    await Segmenter.clearCache();
    const seen: number[][] = [[], []];
    const created = seen.map((fractions) => Segmenter.create({ device: 'cpu', inputSize: 64, onProgress: ({ fraction }) => fractions.push(fraction) }));
    for (const segmenter of await Promise.all(created)) segmenter.close();
    return seen;
  });
  expect(requests.length).toBe(1);
  for (const seen of fractions) {
    expect(seen.filter((fraction) => fraction > 0 && fraction < 0.8).length).toBeGreaterThan(1);
    expect(seen.at(-1)).toBe(1);
  }
});
