// Tests model files: their sources, the cache, and broken downloads.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { beforeEach, test } from 'node:test';
import { DEFAULT_MODEL } from '../dist/model/default.js';
import { clearCache, isModelCached, loadModel } from '../dist/model/load.js';
import { BYTES, freshServer, hash, SHA256, settled, URL_ } from '../testing/model.js';

let server;
beforeEach(() => {
  server = freshServer();
});

const load = async (options, onFraction = () => {}, signal) =>
  (await loadModel(options, { onFraction, signal })).file;

test('only a file that was found to have the right digest needs no further check', async () => {
  const isChecked = async (options) => (await loadModel(options)).checked;
  assert.equal(await isChecked({ model: BYTES }), false);
  assert.equal(await isChecked({ model: BYTES, sha256: SHA256 }), true);
  // The file comes from the server, then from the cache. Without a digest to compare, the program
  // must check it.
  for (let i = 0; i < 2; i++) assert.equal(await isChecked({ model: URL_ }), false);
  assert.equal(await isChecked({ model: URL_, sha256: SHA256 }), true);
  await clearCache();
  assert.equal(await isChecked({ model: URL_, sha256: SHA256 }), true);
  assert.equal(
    await isChecked({ model: new Blob([BYTES]), sha256: SHA256 }),
    false,
    'a file may change on the disk',
  );
});

test('if the browser has no cryptography, the program must check the file', async () => {
  const { crypto } = globalThis;
  Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true });
  try {
    for (const model of [URL_, BYTES])
      assert.equal((await loadModel({ model, sha256: SHA256 })).checked, false);
  } finally {
    Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
  }
});

test('the facts about the default model are those of its file', async () => {
  const file = await readFile(new URL(`../../${DEFAULT_MODEL.file}`, import.meta.url));
  assert.equal(file.length, DEFAULT_MODEL.bytes);
  assert.equal(createHash('sha256').update(file).digest('hex'), DEFAULT_MODEL.sha256);
});

test('every kind of source gives the file', async () => {
  const stream = () => new Response(BYTES).body;
  const sources = [
    URL_,
    new URL(URL_),
    BYTES,
    BYTES.buffer,
    new Blob([BYTES]),
    stream(),
    new Response(BYTES),
    () => BYTES,
    async () => stream(),
    () => URL_,
  ];
  for (const model of sources)
    assert.equal(await hash(await load({ model, sha256: SHA256 })), SHA256);
});

test('a source that fails is a missing model', async () => {
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) });
  const sources = [
    () => Promise.reject(new Error('no')),
    broken,
    new Response('', { status: 404 }),
    () => 7,
  ];
  for (const model of sources) await assert.rejects(load({ model }), { code: 'model-missing' });
});

test('a file with another digest is refused, wherever it comes from', async () => {
  for (const model of [URL_, BYTES, () => BYTES])
    await assert.rejects(load({ model, sha256: '0'.repeat(64) }), { code: 'model-corrupt' });
  await settled();
  assert.equal(globalThis.caches.entries.size, 0);
});

test('the second load reads the cache and downloads nothing', async () => {
  assert.equal(await isModelCached({ model: URL_ }), false);
  await load({ model: URL_ });
  await settled();
  assert.equal(await isModelCached({ model: URL_ }), true);
  assert.equal(await hash(await load({ model: URL_ })), SHA256);
  assert.equal(server.requests.length, 1);
  await clearCache();
  assert.equal(await isModelCached({ model: URL_ }), false);
});

test('without the cache nothing is kept or read', async () => {
  await load({ model: URL_, cache: false });
  await load({ model: URL_, cache: false });
  await settled();
  assert.equal(server.requests.length, 2);
  assert.equal(globalThis.caches.entries.size, 0);
});

test('a damaged entry of the cache is deleted and downloaded again', async () => {
  await load({ model: URL_ });
  await settled();
  const { headers } = globalThis.caches.entries.get(URL_);
  globalThis.caches.entries.set(URL_, new Response(BYTES.slice(1), { headers }));
  assert.equal(await hash(await load({ model: URL_ })), SHA256);
  assert.equal(server.requests.length, 2);
});

test('an entry of another version is not used', async () => {
  server.bytes = BYTES.slice(0, 1000);
  await load({ model: URL_ });
  await settled();
  server.bytes = BYTES;
  assert.equal(await hash(await load({ model: URL_, sha256: SHA256 })), SHA256);
});

test('a full disk or a cache that fails does not make the load fail', async () => {
  Object.defineProperty(globalThis, 'navigator', {
    configurable: true,
    value: { storage: { estimate: async () => ({ quota: 1e6, usage: 9e5 }) } },
  });
  await load({ model: URL_ });
  await settled();
  assert.equal(globalThis.caches.entries.size, 0);
  delete globalThis.navigator;
  globalThis.caches.open = async () => {
    throw new DOMException('no', 'SecurityError');
  };
  assert.equal(await hash(await load({ model: URL_ })), SHA256);
  delete globalThis.caches;
  assert.equal(await hash(await load({ model: URL_ })), SHA256);
});

test('a broken download goes on where it broke, and the fraction never falls', async () => {
  server.breaks = [1_000_000, 0, 500_000];
  const fractions = [];
  assert.equal(
    await hash(await load({ model: URL_ }, (fraction) => fractions.push(fraction))),
    SHA256,
  );
  assert.deepEqual(
    server.requests.map(({ Range }) => Range),
    [undefined, 'bytes=1000000-', 'bytes=1000000-', 'bytes=1500000-'],
  );
  assert.deepEqual(
    fractions,
    [...fractions].sort((a, b) => a - b),
  );
  assert.equal(fractions.at(-1), 1);
});

test('if the server has no ranges or a new version, the download starts again', async () => {
  server.ranges = false;
  server.breaks = [1_000_000];
  assert.equal(await hash(await load({ model: URL_, cache: false })), SHA256);
  server.ranges = true;
  server.breaks = [1_000_000];
  const { fetch } = server;
  globalThis.fetch = async (...args) => {
    const response = await fetch(...args);
    server.etag = '"2"';
    return response;
  };
  assert.equal(await hash(await load({ model: URL_, cache: false })), SHA256);
});

test('the next download goes on from what a failed one has got', async () => {
  server.breaks = [2_000_000, 0, 0, 0, 0];
  await assert.rejects(load({ model: URL_ }), {
    code: 'model-missing',
    message: /check the connection/,
  });
  server.breaks = [];
  server.requests = [];
  assert.equal(await hash(await load({ model: URL_ })), SHA256);
  assert.deepEqual(
    server.requests.map(({ Range }) => Range),
    ['bytes=2000000-'],
  );
  await settled();
  assert.deepEqual([...globalThis.caches.entries.keys()], [URL_]);
});

test('an abort ends a download at once, and what has arrived is kept', async () => {
  const controller = new AbortController();
  const call = load(
    { model: URL_ },
    (fraction) => fraction > 0.5 && controller.abort(),
    controller.signal,
  );
  await assert.rejects(call, { code: 'aborted', name: 'AbortError' });
  server.requests = [];
  await load({ model: URL_ });
  assert.match(server.requests[0].Range, /^bytes=\d{7}-$/);
});

test('if the server refuses to resume, the whole file is downloaded in the end', async () => {
  server.breaks = [2_000_000, 0, 0, 0];
  await assert.rejects(load({ model: URL_ }), { code: 'model-missing' });
  const { fetch } = server;
  globalThis.fetch = async (url, init) => {
    if (init.headers.Range) throw new TypeError('the preflight failed');
    return fetch(url, init);
  };
  assert.equal(await hash(await load({ model: URL_ })), SHA256);
});

test('a file that is longer than the model is refused while it arrives', async () => {
  server.bytes = new Uint8Array(DEFAULT_MODEL.bytes + 400_000);
  await assert.rejects(load({ assets: 'https://example.org/copy' }), {
    code: 'model-corrupt',
    message: /longer/,
  });
});

test('a damaged beginning spoils only one download', async () => {
  server.breaks = [2_000_000, 0, 0, 0];
  await assert.rejects(load({ model: URL_ }), { code: 'model-missing' });
  const [[key, part]] = globalThis.caches.entries;
  globalThis.caches.entries.set(
    key,
    new Response(new Uint8Array(2_000_000), { headers: part.headers }),
  );
  await assert.rejects(load({ model: URL_, sha256: SHA256 }), { code: 'model-corrupt' });
  assert.equal(await hash(await load({ model: URL_, sha256: SHA256 })), SHA256);
});
