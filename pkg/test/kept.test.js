// Tests that what is over leaves nothing behind: calls that were answered, aborted or failed, and
// images and segmenters that were closed.
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { SegmentedImage } from '../dist/calls/segmented-image.js';
import { WorkerClient } from '../dist/engine/client.js';
import { Host } from '../dist/engine/host.js';
import { pagePort } from '../dist/engine/page-port.js';
import { keptOf } from '../testing/garbage.js';
import { create, StandIn, tick } from '../testing/worker.js';

const photo = new Blob(['photo']);

test('500 calls that are aborted while they wait leave nothing in the client', async () => {
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

test('calls that are answered or fail leave nothing in the client', async () => {
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
  await assert.rejects(client.call('segment', { imageId: 1, request: {} }, { signal }), {
    code: 'invalid-prompt',
  });
  assert.equal(client.waiting, 0);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
});

/**
 * Makes a client and a host without a worker between them, and a program that counts what it holds.
 */
async function together() {
  const program = { photos: 0, images: 0, engines: 0 };
  const pixels = () => {
    program.photos++;
    return { width: 4, height: 3, free: () => program.photos-- };
  };
  const features = () => {
    program.images++;
    return { width: 4, height: 3, segment: async () => ({}), free: () => program.images-- };
  };
  const engine = () => {
    program.engines++;
    return {
      adapter: () => ({ name: 'stand-in', software: false, precision: 'f32' }),
      encode: async (photo, checkpoint) => {
        photo.free();
        if (!(await checkpoint(0.5))) throw { code: 'aborted', message: 'The work was cancelled.' };
        return features();
      },
      refine: async (photo, mask, options, checkpoint) => {
        await checkpoint(0.5);
        return { data: new Uint8Array(12), colors: null };
      },
      free: () => program.engines--,
    };
  };
  let host;
  const client = new WorkerClient(
    ({ message }) => {
      host = new Host(
        (answer) => queueMicrotask(() => message(structuredClone(answer))),
        undefined,
        async () => ({
          engine: { create: async () => engine() },
          photo: { decode: pixels },
          memory: { buffer: new ArrayBuffer(0) },
        }),
      );
      return { post: (message) => host.receive(message), end: () => host.end() };
    },
    () => {},
  );
  const file = new Blob(['model']);
  await client.call('createEngine', {
    device: 'cpu',
    model: { file, checked: true },
    inputSize: undefined,
    precision: 'f32',
  });
  const setImage = async (signal) => {
    const payload = { format: 'file', file: photo };
    return new SegmentedImage(
      async () => client,
      payload,
      client,
      await client.call('setImage', { image: payload }, { signal }),
    );
  };
  return { client, host, program, setImage };
}

const NOTHING = {
  kept: { images: 0, photos: 0, calls: 0 },
  waiting: 0,
  photos: 0,
  images: 0,
  engines: 1,
};
const MASK = { rle: { size: [3, 4], counts: [12] } };

test('100 images that are closed leave nothing in the worker', async () => {
  const { client, host, program, setImage } = await together();
  for (let i = 0; i < 100; i++) {
    const image = await setImage();
    await image.segment();
    await image.refine(MASK);
    image.close();
  }
  await tick();
  assert.deepEqual({ kept: host.kept, waiting: client.waiting, ...program }, NOTHING);
});

test('of several images whose edges are refined, the pixels of one are kept', async () => {
  const { host, program, setImage } = await together();
  const images = [await setImage(), await setImage(), await setImage()];
  for (const image of images) {
    await image.refine(MASK);
    assert.deepEqual([host.kept.photos, program.photos], [1, 1]);
  }
  images[0].close();
  await images[2].refine(MASK);
  assert.equal(program.photos, 1, 'another image was closed');
  images[2].close();
  await tick();
  assert.equal(program.photos, 0);
});

test('100 images whose calls are aborted, waiting or running, leave nothing in the worker', async () => {
  const { client, host, program, setImage } = await together();
  for (let i = 0; i < 10; i++) {
    const controller = new AbortController();
    const calls = Array.from({ length: 10 }, () => setImage(controller.signal));
    for (let turns = 0; turns < i; turns++) await new Promise(setImmediate);
    controller.abort();
    await Promise.allSettled(calls).then((ends) =>
      ends.filter(({ value }) => value).forEach(({ value }) => value.close()),
    );
  }
  await client.call('memory', {}).catch(() => {});
  await tick();
  assert.deepEqual({ kept: host.kept, waiting: client.waiting, ...program }, NOTHING);
});

test('a client that has ended leaves nothing in the program', async () => {
  const { client, host, program, setImage } = await together();
  await setImage();
  const call = setImage();
  client.end(new Error('over'));
  await assert.rejects(call, /over/);
  await tick();
  assert.deepEqual(
    { kept: host.kept, waiting: client.waiting, ...program },
    { ...NOTHING, engines: 0 },
  );
});

// These tests look for what is left after garbage collection. Each thing is made and ended in a
// function of its own, because a function that still runs keeps what it last held.

test('20 workers whose device is lost leave nothing behind, nor do their calls and images', async () => {
  const segmenter = await create();
  const image = await segmenter.setImage(photo);
  const { signal } = new AbortController();
  const references = [];
  const loseOne = async () => {
    const worker = StandIn.all.pop();
    const file = new Blob(['another photo']);
    const other = await segmenter.setImage(file);
    StandIn.silent.add('segment');
    const call = other.segment({ signal });
    references.push(...[worker, file, other, call].map((each) => new WeakRef(each)));
    await tick();
    worker.send({ type: 'lost', message: 'unplugged' });
    await assert.rejects(call, { code: 'device-lost' });
    StandIn.silent.clear();
    await other.segment({ signal });
    other.close();
    await image.segment({ signal });
    assert.equal(segmenter.waiting, 0);
  };
  for (let i = 0; i < 20; i++) await loseOne();
  assert.equal(StandIn.all.length, 1);
  StandIn.all[0].received.length = 0;
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.equal(await keptOf(references), 0);
  segmenter.close();
});

test('20 devices of the page that are lost leave nothing behind, nor do two segmenters on each', async () => {
  const { signal } = new AbortController();
  const references = [];
  const loseOne = async () => {
    let lose;
    const device = {
      lost: new Promise(
        (resolve) => (lose = () => resolve({ message: 'unplugged', reason: 'unknown' })),
      ),
    };
    const clients = [1, 2].map(
      () => new WorkerClient(pagePort({ adapter: {}, device }, undefined), () => {}),
    );
    const calls = clients.map((client) => client.call('memory', {}, { signal }));
    references.push(...[device, ...clients, ...calls].map((each) => new WeakRef(each)));
    lose();
    for (const call of calls) await assert.rejects(call, { code: 'device-lost' });
  };
  for (let i = 0; i < 20; i++) await loseOne();
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  assert.equal(await keptOf(references), 0);
});

test('100 closed images, each with five aborted calls, leave nothing behind', async () => {
  const segmenter = await create();
  const references = [];
  const closeOne = async () => {
    const file = new Blob(['photo']);
    const image = await segmenter.setImage(file);
    StandIn.silent.add('segment');
    const controller = new AbortController();
    const calls = Array.from({ length: 5 }, () => image.segment({ signal: controller.signal }));
    references.push(...[file, image, controller, ...calls].map((each) => new WeakRef(each)));
    controller.abort();
    for (const call of calls) await assert.rejects(call, { code: 'aborted' });
    image.close();
  };
  for (let i = 0; i < 100; i++) await closeOne();
  StandIn.all[0].received.length = 0;
  assert.equal(await keptOf(references), 0);
  segmenter.close();
});
