// Tests several loads of one model at the same time.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { beforeEach, test } from 'node:test';
import { Segmenter } from '../dist/index.js';
import { loadModel } from '../dist/model/load.js';
import { kept } from '../dist/model/shared-download.js';
import { BYTES, freshServer, hash, SHA256, settled, URL_ } from '../testing/model.js';
import '../testing/worker.js';

let server;
beforeEach(() => {
  server = freshServer();
});

const model = URL_;
const load = async (options, settings) => (await loadModel({ model, ...options }, settings)).file;
/**
 * Makes a signal that is aborted when the load has reached `limit`, and lists the progress until
 * then.
 */
function abortAt(limit) {
  const controller = new AbortController();
  const seen = [];
  const onFraction = (fraction) => {
    seen.push(fraction);
    if (fraction >= limit) controller.abort();
  };
  return { signal: controller.signal, onFraction, seen };
}

test('two segmenters that are created at once share one download, with progress for both', async () => {
  const seen = [[], []];
  const created = seen.map((fractions) =>
    Segmenter.create({ model, onProgress: ({ fraction }) => fractions.push(fraction) }),
  );
  for (const segmenter of await Promise.all(created)) segmenter.close();
  assert.equal(server.requests.length, 1);
  for (const fractions of seen) {
    assert.ok(
      fractions.filter((fraction) => fraction > 0 && fraction < 0.8).length > 3,
      `${fractions}`,
    );
    assert.equal(fractions.at(-1), 1);
  }
  await settled();
  assert.equal(kept(), 0);
});

test('a load that begins while the file arrives, is checked or is cached shares it', async () => {
  const files = [];
  const first = load(
    {},
    { onFraction: (fraction) => fraction > 0.5 && files.length === 0 && files.push(load()) },
  );
  await first;
  files.push(load());
  for (const file of [first, ...files]) assert.equal(await hash(await file), SHA256);
  await settled();
  assert.equal(await hash(await load()), SHA256);
  assert.equal(server.requests.length, 1);
  assert.equal(kept(), 0);
});

test('if one of two loads is aborted, the other goes on', async () => {
  for (const isFirst of [true, false]) {
    server = freshServer();
    const stops = abortAt(0.4);
    const whole = [];
    const early = isFirst && load({}, stops);
    const other = load({}, { onFraction: (fraction) => whole.push(fraction) });
    const aborted = early || load({}, stops);
    await assert.rejects(aborted, { code: 'aborted', name: 'AbortError' });
    assert.equal(await hash(await other), SHA256);
    assert.equal(server.requests.length, 1);
    assert.equal(whole.at(-1), 1);
    assert.ok(stops.seen.at(-1) < 0.6, 'no progress after the abort');
    assert.equal(getEventListeners(stops.signal, 'abort').length, 0);
    await settled();
    assert.equal(kept(), 0);
  }
});

test('if both are aborted, the download stops, and the next one goes on from there', async () => {
  const signals = [];
  const { fetch } = globalThis;
  globalThis.fetch = (url, init) => {
    signals.push(init.signal);
    return fetch(url, init);
  };
  const calls = [abortAt(0.4), abortAt(0.6)].map((settings) => load({}, settings));
  for (const call of calls) await assert.rejects(call, { code: 'aborted' });
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true],
  );
  assert.equal(await hash(await load()), SHA256);
  assert.match(server.requests[1].Range, /^bytes=\d{7}-$/);
  await settled();
  assert.equal(kept(), 0);
});

/** Waits until `isSo` gives true, which takes longer if the machine is busy. */
async function until(isSo) {
  for (let i = 0; i < 200 && !isSo(); i++) await settled();
  assert.ok(isSo(), String(isSo));
}

/** Runs `during` while the digest of the file that has arrived is being computed. */
function whileDigesting(context, during) {
  const digest = crypto.subtle.digest.bind(crypto.subtle);
  context.mock.method(crypto.subtle, 'digest', async (...args) => {
    context.mock.restoreAll();
    await during();
    return digest(...args);
  });
}

test('a load that begins after an abort, while the digest is computed, shares the file', async (context) => {
  const controller = new AbortController();
  const others = [];
  whileDigesting(context, async () => {
    controller.abort();
    await settled();
    others.push(load(), load());
  });
  await assert.rejects(load({}, { signal: controller.signal }), { code: 'aborted' });
  await until(() => others.length === 2);
  for (const other of others) assert.equal(await hash(await other), SHA256);
  assert.equal(server.requests.length, 1);
  await until(() => globalThis.caches.entries.size === 1);
  await until(() => kept() === 0);
});

test('if all are aborted while the digest is computed, nothing is kept, and the next segmenter is created', async (context) => {
  const controller = new AbortController();
  whileDigesting(context, () => controller.abort());
  await assert.rejects(Segmenter.create({ model, signal: controller.signal }), { code: 'aborted' });
  await until(() => kept() === 0);
  (await Segmenter.create({ model })).close();
  await until(() => kept() === 0);
});

test('each load checks the file with its own digest, and the file is kept if one finds it right', async () => {
  const [wrong, right] = [load({ sha256: '0'.repeat(64) }), load({ sha256: SHA256 })];
  await assert.rejects(wrong, { code: 'model-corrupt' });
  assert.equal(await hash(await right), SHA256);
  await settled();
  assert.equal(globalThis.caches.entries.size, 1);
  assert.equal(server.requests.length, 1);
});

test('if a download fails, it fails for all, and the next one tries again', async () => {
  globalThis.fetch = async () => new Response('', { status: 503 });
  for (const call of [load(), load()]) await assert.rejects(call, { code: 'model-missing' });
  assert.equal(kept(), 0);
  globalThis.fetch = server.fetch;
  assert.equal(await hash(await load()), SHA256);
});

test('bytes are read at the time of the call', async () => {
  const bytes = BYTES.slice();
  const call = loadModel({ model: bytes, sha256: SHA256 }, { after: settled() });
  bytes.fill(0);
  assert.equal(await hash((await call).file), SHA256);
});
