// Tests environments in which the worker cannot start, and pages that start it themselves.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Segmenter } from '../dist/index.js';
import { StandIn, tick } from '../testing/worker.js';

const COPY = 'https://page.example/aims-web';
let requests;

/** Sets a global variable until the test is over. With undefined it is removed. */
const before = new Map();
function put(name, value) {
  if (!before.has(name)) before.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
  if (value === undefined) delete globalThis[name];
  else Object.defineProperty(globalThis, name, { configurable: true, writable: true, value });
}

beforeEach(() => {
  requests = [];
  put('fetch', async (url) => {
    requests.push(String(url));
    return new Response('model');
  });
});

afterEach(() => {
  for (const [name, descriptor] of before) {
    if (descriptor) Object.defineProperty(globalThis, name, descriptor);
    else delete globalThis[name];
  }
  before.clear();
});

const model = 'https://page.example/model';
const create = (options) => Segmenter.create({ model, ...options });

/**
 * Checks that `create` rejects with a message that says what to do, and that nothing was
 * downloaded. `isSupported` must say the same if it can know.
 */
async function cannot(options, message, isKnown = true) {
  const error = await create(options).then(
    () => assert.fail('a segmenter was created'),
    (error) => error,
  );
  assert.equal(error.code, 'unsupported-environment', String(error));
  assert.equal(error.name, 'SegmenterError');
  assert.match(error.message, message);
  await tick();
  assert.deepEqual(requests, []);
  const { supported, reason } = await Segmenter.isSupported(options);
  assert.equal(supported, !isKnown);
  if (isKnown) assert.equal(reason, error.message);
}

test('a script on another origin cannot be used', async () => {
  put('origin', 'https://page.example');
  await cannot(
    { assets: 'https://cdn.example/aims-web' },
    /https:\/\/cdn\.example\/aims-web\/dist\/worker\.js.*another origin.*`assets`.*`worker`/s,
  );
  assert.equal(StandIn.all.length, 0);
  assert.equal((await Segmenter.isSupported({ assets: COPY })).supported, true);
});

test('a sandboxed frame cannot start a worker, nor use caches', async () => {
  put('origin', 'null');
  put('caches');
  Object.defineProperty(globalThis, 'caches', {
    configurable: true,
    get() {
      throw new DOMException('the document is sandboxed', 'SecurityError');
    },
  });
  await cannot({ assets: COPY }, /sandbox.*allow-same-origin.*`worker`/s);
  assert.equal(await Segmenter.isCached({ model }), false);
  await Segmenter.clearCache();
});

test('scripts on another origin are accepted with `gpu` or with a `worker`', async () => {
  put('origin', 'https://page.example');
  for (const options of [{ gpu: { adapter: {} } }, { worker: () => new StandIn() }]) {
    assert.equal(
      (await Segmenter.isSupported({ assets: 'https://cdn.example/aims-web', ...options }))
        .supported,
      true,
    );
  }
});

test('a browser may refuse at once', async () => {
  put(
    'Worker',
    class {
      constructor() {
        throw new DOMException('cannot be accessed from origin null', 'SecurityError');
      }
    },
  );
  await cannot(
    { assets: COPY },
    /refused its script https:\/\/page\.example\/aims-web\/dist\/worker\.js.*own server/s,
    false,
  );
});

test('a script that cannot be loaded is missing or lacks the headers of the page', async () => {
  put(
    'Worker',
    class extends StandIn {
      postMessage(message) {
        this.received.push(message);
        if (message.type === 'call')
          queueMicrotask(() => this.onerror(new Event('error', { cancelable: true })));
      }
    },
  );
  await cannot(
    { assets: COPY },
    /worker\.js could not be loaded.*worker-src.*Cross-Origin-Embedder-Policy/s,
    false,
  );
  assert.ok(StandIn.all.every(({ terminated }) => terminated));
});

test('a script may fail as it starts', async () => {
  put(
    'Worker',
    class extends StandIn {
      postMessage(message) {
        if (message.type === 'call')
          queueMicrotask(() =>
            this.onerror(Object.assign(new Event('error'), { message: 'SyntaxError: import' })),
          );
      }
    },
  );
  await cannot({}, /SyntaxError: import.*Chrome 91/s, false);
});

for (const [kind, message] of [
  ['ServiceWorkerGlobalScope', /service worker cannot start workers.*page/s],
  ['SharedWorkerGlobalScope', /shared worker.*page/s],
  ['DedicatedWorkerGlobalScope', /page/],
  ['global', /On a server/],
]) {
  test(`there are no workers in a ${kind}`, async () => {
    put('Worker');
    put(Symbol.toStringTag, kind);
    await cannot({}, message);
    const { reason } = await Segmenter.isSupported();
    assert.equal(/server/.test(reason), kind === 'global');
  });
}

/**
 * Imitates the Trusted Types of browsers: only the `allowed` names are accepted, and a Worker takes
 * only trusted addresses.
 */
function requireTrustedTypes(allowed) {
  const policies = [];
  put('trustedTypes', {
    createPolicy(name, rules) {
      if (!allowed.includes(name)) throw new TypeError(`Policy "${name}" disallowed.`);
      policies.push(name);
      return {
        createScriptURL: (url) => ({ trusted: rules.createScriptURL(url), toString: () => url }),
      };
    },
  });
  put(
    'Worker',
    class extends StandIn {
      constructor(url, options) {
        if (!url?.trusted)
          throw new TypeError("This document requires 'TrustedScriptURL' assignment.");
        super();
        Object.assign(this, { url: url.trusted, options });
      }
    },
  );
  return policies;
}

test('Trusted Types without the policy of this package prevent the start', async () => {
  requireTrustedTypes(['other']);
  await cannot({}, /trusted-types aims-web.*`worker`/s, false);
});

test('Trusted Types with the policy of this package allow the start', async () => {
  const policies = requireTrustedTypes(['aims-web']);
  await create();
  await create({ assets: COPY });
  assert.deepEqual(
    policies,
    ['aims-web'],
    'only once, because browsers refuse a second policy of the same name',
  );
  const addresses = StandIn.all.map(({ url }) => url);
  assert.deepEqual(addresses, [
    new URL('../dist/worker.js', import.meta.url).href,
    `${COPY}/dist/worker.js`,
  ]);
  for (const { options } of StandIn.all)
    assert.deepEqual(options, { type: 'module', name: 'aims-web' });
});

test('a worker that the page starts is used at each start, wherever it comes from', async () => {
  put('origin', 'null');
  const started = [];
  const worker = () => {
    started.push(new StandIn());
    return started.at(-1);
  };
  const options = { assets: 'https://cdn.example/aims-web', worker };
  assert.equal((await Segmenter.isSupported(options)).supported, true);
  assert.equal(started.length, 0);
  const segmenter = await create(options);
  const image = await segmenter.setImage(new Blob(['photo']));
  started[0].send({ type: 'crash', message: 'gone' });
  await tick();
  await image.segment();
  assert.deepEqual(
    started.map(({ terminated }) => terminated),
    [true, false],
  );
  assert.equal(StandIn.all.length, 2, 'no other worker is started');
  segmenter.close();
  assert.ok(started[1].terminated);
});

test('a `worker` that fails is an error, and one that gives no Worker is a TypeError', async () => {
  const failing = () => {
    throw new DOMException('not allowed', 'SecurityError');
  };
  await cannot({ worker: failing }, /passed as `worker` failed.*not allowed/s, false);
  for (const worker of [new StandIn(), () => undefined, () => ({}), async () => new StandIn()])
    await assert.rejects(create({ worker }), TypeError);
  assert.deepEqual(requests, []);
});

test('if the start fails, the download ends', async () => {
  const fetched = new Promise((resolve) => {
    put('fetch', (url, { signal }) => {
      resolve(signal);
      return new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      );
    });
  });
  StandIn.silent.add('inspectGpu');
  StandIn.gpu = { kind: 'none', detail: 'none' };
  const call = create({ device: 'webgpu' });
  const signal = await fetched;
  assert.equal(signal.aborted, false);
  const [worker] = StandIn.all;
  worker.send({ type: 'result', id: worker.calls('inspectGpu')[0].id, result: StandIn.gpu });
  await assert.rejects(call, { code: 'no-webgpu' });
  assert.equal(signal.aborted, true);
});

test('an abort does not wait for a function that gives the model', async () => {
  const controller = new AbortController();
  const call = create({ model: () => new Promise(() => {}), signal: controller.signal });
  await tick();
  controller.abort();
  await assert.rejects(call, { code: 'aborted' });
  assert.ok(StandIn.all[0].terminated);
});
