// The page as the place where segmenters run, on a graphics device of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pagePort } from '../dist/page-port.js';
import { tick } from '../testing/worker.js';

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
