// The page as the place where segmenters run, on a graphics device of its own.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { pagePort } from '../dist/page-port.js';
import { page, tick } from '../testing/worker.js';

/** A device, and `lose` to end it. */
function newDevice() {
  let lose;
  const lost = new Promise((resolve) => (lose = () => resolve({ message: 'unplugged', reason: 'unknown' })));
  return { adapter: {}, device: { lost }, lose };
}

/** A port on it, and what it said. */
function open(gpu) {
  const heard = [];
  const events = { message: ({ type, message }) => heard.push([type, message]), failed: (error) => heard.push(['failed', error.code]) };
  return { heard, port: pagePort(gpu, undefined)(events) };
}

/** The host is a module that is loaded first. */
async function loaded() {
  delete globalThis.__aimsPanic;
  for (let i = 0; i < 100 && !globalThis.__aimsPanic; i++) await tick();
  await tick();
}

test('a panic of the program, which all share, ends the segmenters of the page', async () => {
  const gpu = newDevice();
  const [first, second, closed] = [open(gpu), open(gpu), open(gpu)];
  await loaded();
  closed.port.end();
  await tick();
  globalThis.__aimsPanic('index out of bounds');
  await tick();
  for (const { heard } of [first, second]) assert.deepEqual(heard, [['crash', 'index out of bounds']]);
  assert.deepEqual(closed.heard, []);
  for (const { port } of [first, second]) port.end();
  gpu.lose();
  await tick();
});

const uncaught = { error: 'error', unhandledrejection: 'reason' };
const listeners = () => Object.keys(uncaught).map((type) => getEventListeners(page, type).length);

for (const [type, property] of Object.entries(uncaught)) {
  test(`a trap of the program that is no panic, as an event '${type}', ends the segmenters of the page`, async () => {
    assert.deepEqual(listeners(), [0, 0]);
    const gpu = newDevice();
    const [first, second, closed] = [open(gpu), open(gpu), open(gpu)];
    await loaded();
    closed.port.end();
    await tick();
    assert.deepEqual(listeners(), [1, 1]);
    const happen = (error) => page.dispatchEvent(Object.assign(new Event(type), { [property]: error }));
    for (const other of [new Error('an error of the page'), 'no error', undefined]) happen(other);
    await tick();
    assert.deepEqual(first.heard, []);
    happen(new WebAssembly.RuntimeError('memory access out of bounds'));
    await tick();
    for (const { heard } of [first, second]) assert.deepEqual(heard, [['crash', 'memory access out of bounds']]);
    assert.deepEqual(closed.heard, []);
    for (const { port } of [first, second]) port.end();
    await tick();
    assert.deepEqual(listeners(), [0, 0], 'nobody listens for nothing');
    gpu.lose();
    await tick();
  });
}

test('a device that is lost is told to those who run on it; until then there is no other', async () => {
  const gpu = newDevice();
  const [first, second, closed] = [open(gpu), open(gpu), open(gpu)];
  closed.port.end();
  assert.throws(() => open(newDevice()), TypeError);
  gpu.lose();
  await tick();
  for (const { heard } of [first, second]) assert.deepEqual(heard, [['lost', 'unplugged']]);
  assert.deepEqual(closed.heard, [], 'what is closed is not kept for as long as the device');
  const next = newDevice();
  open(next).port.end();
  next.lose();
  await tick();
});
