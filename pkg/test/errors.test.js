// Failures of browsers and of pages become errors of this package, with a code and advice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Host } from '../dist/engine/host.js';
import { inspectGpu } from '../dist/engine/inspect-gpu.js';
import { isModelCached, loadModel } from '../dist/model/load.js';
import { create, SCENE, StandIn } from '../testing/worker.js';

/** A file that was moved since it was chosen. */
const moved = Object.assign(new Blob(['model']), {
  arrayBuffer: async () => {
    throw new DOMException('The requested file could not be read.', 'NotReadableError');
  },
});

test('a model file that cannot be read is a missing model', async () => {
  await assert.rejects(loadModel({ model: moved, sha256: '00' }), {
    code: 'model-missing',
    message: /could not be read.*choose it again/,
  });
  const error = await new Promise((resolve) => {
    const host = new Host(
      ({ type, error }) => type === 'error' && resolve(error),
      undefined,
      async () => ({ engine: {}, memory: {} }),
    );
    host.receive({
      type: 'call',
      id: 1,
      call: 'createEngine',
      args: { device: 'cpu', model: { file: moved, checked: true } },
    });
  });
  assert.equal(error.code, 'model-missing');
  assert.match(error.message, /could not be read.*choose it again/);
});

test('a model that was already read is a missing model', async () => {
  const used = new Response('model');
  await used.text();
  const locked = new Response('model').body;
  locked.getReader();
  for (const model of [used, locked, new Response(null)])
    await assert.rejects(loadModel({ model }), { name: 'SegmenterError', code: 'model-missing' });
});

test('an invalid address is a TypeError', async () => {
  const advice = { name: 'TypeError', message: /'http:\/\/\[' is no address/ };
  await assert.rejects(loadModel({ model: 'http://[' }), advice);
  await assert.rejects(loadModel({ assets: 'http://[' }), {
    name: 'TypeError',
    message: /is no address/,
  });
  await assert.rejects(isModelCached({ model: 'http://[' }), advice);
  await assert.rejects(create({ assets: 'http://[' }), {
    name: 'TypeError',
    message: /is no address/,
  });
});

test('an adapter of an older browser may have no name', async () => {
  assert.deepEqual(await inspectGpu({}), { kind: 'hardware', detail: 'unnamed adapter' });
  assert.equal((await inspectGpu({ isFallbackAdapter: true })).kind, 'software');
});

test('an error in `onProgress` is reported, and the call goes on', async () => {
  const { reportError } = globalThis;
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  try {
    const onProgress = ({ stage }) => {
      throw new Error(stage);
    };
    const segmenter = await create({ onProgress });
    const image = await segmenter.setImage(new Blob(['photo']), { onProgress });
    assert.deepEqual(await image.segment({ onProgress }), SCENE);
    assert.deepEqual([...new Set(reported)], ['model', 'image', 'segment']);
  } finally {
    globalThis.reportError = reportError;
  }
  assert.equal(StandIn.all.length, 1);
});

test('a prompt that cannot be sent to the worker is an error', async () => {
  const image = await (await create()).setImage(new Blob(['photo']));
  StandIn.all[0].postMessage = structuredClone;
  await assert.rejects(image.segment({ prompt: { kind: 'box', box: () => {} } }), {
    code: 'invalid-prompt',
    message: /plain data/,
  });
});
