// Tests segmenters that run on the page, on a graphics device of the page.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { WorkerClient } from '../dist/engine/client.js';
import { pagePort } from '../dist/engine/page-port.js';
import { create, page, tick } from '../testing/worker.js';

/** Makes a device, and a function `lose` that ends it. */
function newDevice() {
  let lose;
  const lost = new Promise(
    (resolve) => (lose = () => resolve({ message: 'unplugged', reason: 'unknown' })),
  );
  return { adapter: {}, device: { lost }, lose };
}

/** Makes a port on a device, and lists what the port has said. */
function open(gpu) {
  const heard = [];
  const events = {
    message: ({ type, message }) => heard.push([type, message]),
    failed: (error) => heard.push(['failed', error.code]),
  };
  return { heard, port: pagePort(gpu, undefined)(events) };
}

/** Waits until the module with the host is loaded. */
async function loaded() {
  delete globalThis.__aimsPanic;
  for (let i = 0; i < 100 && !globalThis.__aimsPanic; i++) await tick();
  await tick();
}

test('a panic of the program ends all segmenters of the page, because they share it', async () => {
  const gpu = newDevice();
  const [first, second, closed] = [open(gpu), open(gpu), open(gpu)];
  await loaded();
  closed.port.end();
  await tick();
  globalThis.__aimsPanic('index out of bounds');
  await tick();
  for (const { heard } of [first, second])
    assert.deepEqual(heard, [['crash', 'index out of bounds']]);
  assert.deepEqual(closed.heard, []);
  for (const { port } of [first, second]) port.end();
  gpu.lose();
  await tick();
});

const uncaught = { error: 'error', unhandledrejection: 'reason' };
const listeners = () => Object.keys(uncaught).map((type) => getEventListeners(page, type).length);

for (const [type, property] of Object.entries(uncaught)) {
  test(`a trap that is not a panic ends the segmenters of the page, as an event '${type}'`, async () => {
    assert.deepEqual(listeners(), [0, 0]);
    const gpu = newDevice();
    const [first, second, closed] = [open(gpu), open(gpu), open(gpu)];
    await loaded();
    closed.port.end();
    await tick();
    assert.deepEqual(listeners(), [1, 1]);
    const happen = (error) =>
      page.dispatchEvent(Object.assign(new Event(type), { [property]: error }));
    for (const other of [new Error('an error of the page'), 'no error', undefined]) happen(other);
    await tick();
    assert.deepEqual(first.heard, []);
    happen(new WebAssembly.RuntimeError('memory access out of bounds'));
    await tick();
    for (const { heard } of [first, second])
      assert.deepEqual(heard, [['crash', 'memory access out of bounds']]);
    assert.deepEqual(closed.heard, []);
    for (const { port } of [first, second]) port.end();
    await tick();
    assert.deepEqual(listeners(), [0, 0], 'no listener is left');
    gpu.lose();
    await tick();
  });
}

test('segmenters hear of the loss of their device, and until then no other device is accepted', async () => {
  const gpu = newDevice();
  const [first, second, closed] = [open(gpu), open(gpu), open(gpu)];
  closed.port.end();
  assert.throws(() => open(newDevice()), TypeError);
  gpu.lose();
  await tick();
  for (const { heard } of [first, second]) assert.deepEqual(heard, [['lost', 'unplugged']]);
  assert.deepEqual(closed.heard, [], 'a closed segmenter hears nothing');
  const next = newDevice();
  open(next).port.end();
  next.lose();
  await tick();
});

/** Gives the error of a call that `happen` ends, on a device of the page. */
async function errorOfCall(happen) {
  const gpu = newDevice();
  const client = new WorkerClient(pagePort(gpu, undefined), () => {});
  await loaded();
  const call = client.call('segment', { imageId: 1, request: {} });
  happen(gpu);
  const error = await call.catch((error) => error);
  gpu.lose();
  await tick();
  return error;
}

test('errors on a page do not mention a worker', async () => {
  const stopped = await errorOfCall(() => globalThis.__aimsPanic('index out of bounds'));
  assert.equal(stopped.code, 'internal');
  assert.match(
    stopped.message,
    /program, which runs on the page, stopped unexpectedly: index out of bounds\. The next call starts it again\.$/,
  );
  const lost = await errorOfCall(({ lose }) => lose());
  assert.equal(lost.code, 'device-lost');
  assert.match(lost.message, /GPUDevice.*\(unplugged\).*new one/);
  for (const { message } of [stopped, lost]) assert.doesNotMatch(message, /worker/i);
});

test('a missing script of the program is an error at the start', async () => {
  const gpu = newDevice();
  const assets = new URL('nowhere/', import.meta.url);
  const error = await create({ gpu, assets }).catch((error) => error);
  assert.equal(error.code, 'internal');
  assert.match(
    error.message,
    /^The script file:.*\/nowhere\/dist\/engine\/host\.js could not be loaded.*Check that the server has it\.$/,
  );
  assert.doesNotMatch(error.message, /worker|next call/i);
  gpu.lose();
  await tick();
});
