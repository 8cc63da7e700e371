// What is over is not kept: calls that were answered, aborted or failed, images and segmenters that were closed.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { WorkerClient } from '../dist/client.js';
import { Host } from '../dist/host.js';
import { SegmentedImage } from '../dist/image.js';
import { StandIn, create, tick } from '../testing/worker.js';

const photo = new Blob(['photo']);

test('of 500 calls that are aborted while they wait, nothing stays in the client', async () => {
  const segmenter = await create();
  const image = await segmenter.setImage(photo);
  StandIn.silent.add('segment');
  const controller = new AbortController();
  const calls = Array.from({ length: 500 }, () => image.segment({ signal: controller.signal }));
  assert.equal(segmenter.waiting, 500);
  controller.abort();
  for (const call of calls) await assert.rejects(call, { code: 'aborted' });
  assert.equal(segmenter.waiting, 0);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('of calls that are answered or fail, nothing stays in the client', async () => {
  const segmenter = await create();
  const image = await segmenter.setImage(photo);
  const { signal } = new AbortController();
  await image.segment({ signal });
  StandIn.failures = { segment: { code: 'empty-prompt', message: 'no pixel' } };
  await assert.rejects(image.segment({ signal }), { code: 'empty-prompt' });
  StandIn.silent.add('segment');
  const call = image.segment({ signal });
  segmenter.close();
  await assert.rejects(call, { code: 'closed' });
  assert.equal(segmenter.waiting, 0);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

test('a call that cannot be sent is not kept', async () => {
  const open = () => ({
    post: () => {
      throw new DOMException('a function could not be cloned', 'DataCloneError');
    },
    end() {},
  });
  const client = new WorkerClient(open, () => {});
  const { signal } = new AbortController();
  await assert.rejects(client.call('segment', { imageId: 1, request: {} }, { signal }), { code: 'invalid-prompt' });
  assert.equal(client.waiting, 0);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

/** A client and a host without a worker between them, and a program that counts what it holds. */
async function together() {
  const program = { images: 0, engines: 0 };
  const features = () => {
    program.images++;
    return { width: 4, height: 3, segment: async () => ({}), free: () => program.images-- };
  };
  const engine = () => {
    program.engines++;
    return {
      adapter: () => ({ name: 'stand-in', software: false, half: false }),
      setImageBytes: async (bytes, checkpoint) => {
        if (!(await checkpoint(0.5))) throw { code: 'aborted', message: 'The work was cancelled.' };
        return features();
      },
      free: () => program.engines--,
    };
  };
  let host;
  const client = new WorkerClient(({ message }) => {
    host = new Host((answer) => queueMicrotask(() => message(structuredClone(answer))), undefined, async () => ({
      engine: { create: async () => engine() },
      memory: { buffer: new ArrayBuffer(0) },
    }));
    return { post: (message) => host.receive(message), end: () => host.end() };
  }, () => {});
  const file = new Blob(['model']);
  await client.call('createEngine', { device: 'cpu', model: { file, checked: true }, inputSize: undefined, half: false });
  const setImage = async (signal) => {
    const payload = { format: 'file', file: photo };
    return new SegmentedImage(async () => client, payload, client, await client.call('setImage', { image: payload }, { signal }));
  };
  return { client, host, program, setImage };
}

test('of 100 images that are closed, nothing stays in the worker', async () => {
  const { client, host, program, setImage } = await together();
  for (let i = 0; i < 100; i++) {
    const image = await setImage();
    await image.segment();
    image.close();
  }
  await tick();
  assert.deepEqual({ kept: host.kept, waiting: client.waiting, ...program }, { kept: { images: 0, calls: 0 }, waiting: 0, images: 0, engines: 1 });
});

test('of 100 images whose calls are aborted, waiting or under way, nothing stays in the worker', async () => {
  const { client, host, program, setImage } = await together();
  for (let i = 0; i < 10; i++) {
    const controller = new AbortController();
    const calls = Array.from({ length: 10 }, () => setImage(controller.signal));
    for (let turns = 0; turns < i; turns++) await new Promise(setImmediate);
    controller.abort();
    await Promise.allSettled(calls).then((ends) => ends.filter(({ value }) => value).forEach(({ value }) => value.close()));
  }
  await client.call('memory', {}).catch(() => {});
  await tick();
  assert.deepEqual({ kept: host.kept, waiting: client.waiting, ...program }, { kept: { images: 0, calls: 0 }, waiting: 0, images: 0, engines: 1 });
});

test('a client that has ended leaves nothing in the program', async () => {
  const { client, host, program, setImage } = await together();
  await setImage();
  const call = setImage();
  client.end(new Error('over'));
  await assert.rejects(call, /over/);
  await tick();
  assert.deepEqual({ kept: host.kept, waiting: client.waiting, ...program }, { kept: { images: 0, calls: 0 }, waiting: 0, images: 0, engines: 0 });
});
