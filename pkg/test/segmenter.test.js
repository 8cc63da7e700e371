// Tests the segmenter with a stand-in for the worker: order, aborts, crashes and closing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRle } from '../dist/index.js';
import { create, SCENE, StandIn, tick } from '../testing/worker.js';

const photo = new Blob(['photo']);

test('progress rises and ends at 1', async () => {
  const seen = [];
  const onProgress = ({ stage, fraction }) => seen.push([stage, fraction]);
  const segmenter = await create();
  const image = await segmenter.setImage(photo, { onProgress });
  assert.deepEqual(await image.segment({ onProgress }), SCENE);
  assert.deepEqual(seen, [
    ['image', 0.6],
    ['image', 1],
    ['segment', 0.6],
    ['segment', 1],
  ]);
});

test('candidates go through the same steps as scenes', async () => {
  const image = await (await create()).setImage(photo);
  const seen = [];
  const prompt = { points: [{ x: 1, y: 2, label: 1 }] };
  assert.deepEqual(
    await image.candidates(prompt, {
      onProgress: ({ stage, fraction }) => seen.push([stage, fraction]),
    }),
    [],
  );
  assert.deepEqual(seen, [
    ['segment', 0.6],
    ['segment', 1],
  ]);
  const [worker] = StandIn.all;
  assert.deepEqual(worker.calls('candidates')[0].args.prompt, prompt);
  worker.send({ type: 'lost', message: 'gone' });
  await tick();
  assert.deepEqual(await image.candidates(prompt), []);
  assert.equal(StandIn.all.length, 2);
  await assert.rejects(image.candidates(prompt, { signal: AbortSignal.abort() }), {
    code: 'aborted',
  });
  image.close();
  await assert.rejects(image.candidates(prompt), { code: 'closed' });
});

test('candidates also takes a prompt of the kind points, as segment does', async () => {
  const image = await (await create()).setImage(photo);
  const points = { points: [{ x: 1, y: 2, label: 1 }], box: [0, 0, 2, 2] };
  const prompt = { kind: 'points', ...points };
  await image.segment({ prompt });
  await image.candidates(prompt);
  const [worker] = StandIn.all;
  assert.deepEqual(worker.calls('segment')[0].args.request.prompt, prompt);
  assert.deepEqual(worker.calls('candidates')[0].args.prompt, points);
  assert.equal(prompt.kind, 'points', 'the caller keeps the prompt as it was');
  for (const kind of ['box', 'strokes', 'none', null]) {
    await assert.rejects(image.candidates({ ...prompt, kind }), {
      code: 'invalid-prompt',
      message: new RegExp(`kind '${kind}'`),
    });
  }
  assert.equal(worker.calls('candidates').length, 1);
});

test('auto without WebGPU uses the CPU and says why', async () => {
  const { adapter } = await create();
  assert.equal(adapter.device, 'cpu');
  assert.match(adapter.reason, /does not offer WebGPU/);
});

test('auto does not use a software adapter, but asking for WebGPU does', async () => {
  StandIn.gpu = { kind: 'software', detail: 'SwiftShader' };
  const { adapter } = await create();
  assert.equal(adapter.device, 'cpu');
  assert.match(adapter.reason, /SwiftShader/);
  const asked = await create({ device: 'webgpu' });
  assert.equal(asked.adapter.device, 'webgpu');
  assert.equal(asked.adapter.software, true);
});

test('if a graphics device fails its trial, auto ends that worker and uses the CPU in a new one', async () => {
  StandIn.gpu = { kind: 'hardware', detail: 'a card' };
  assert.equal((await create()).adapter.device, 'webgpu');
  StandIn.failures = { webgpu: { code: 'device-lost', message: 'The GPU stopped working.' } };
  const { adapter } = await create();
  assert.equal(adapter.device, 'cpu');
  assert.match(adapter.reason, /The GPU stopped working/);
  assert.deepEqual(
    StandIn.all.map((worker) => worker.terminated),
    [false, true, false],
  );
});

test('a faulty model does not make auto change the device', async () => {
  StandIn.gpu = { kind: 'hardware', detail: 'a card' };
  StandIn.failures = { webgpu: { code: 'model-corrupt', message: 'damaged' } };
  await assert.rejects(create(), { code: 'model-corrupt' });
  assert.ok(StandIn.all.every((worker) => worker.terminated));
});

test('asking for WebGPU is an error if there is none', async () => {
  await assert.rejects(create({ device: 'webgpu' }), { code: 'no-webgpu', name: 'SegmenterError' });
  assert.ok(StandIn.all.every((worker) => worker.terminated));
});

test('nothing is reported once create has failed', async () => {
  let fail;
  const cache = new Promise((_, reject) => (fail = reject));
  globalThis.caches = { open: () => cache, has: () => cache };
  const seen = [];
  const onProgress = ({ fraction }) => seen.push(fraction);
  const model = 'https://example.org/m';
  await assert.rejects(create({ device: 'webgpu', model, onProgress }), { code: 'no-webgpu' });
  fail(new Error('there is no cache'));
  await tick();
  assert.deepEqual(seen, []);
  delete globalThis.caches;
});

test('a missing model names its address', async () => {
  for (const response of [
    new Response('', { status: 404 }),
    new Response('<p>', { headers: { 'content-type': 'text/html' } }),
  ]) {
    globalThis.fetch = async () => response;
    await assert.rejects(create({ model: 'https://example.org/m' }), {
      code: 'model-missing',
      message: /https:\/\/example\.org\/m/,
    });
  }
  assert.ok(StandIn.all.every((worker) => worker.terminated));
});

test('an abort rejects at once and tells the worker', async () => {
  const segmenter = await create();
  const image = await segmenter.setImage(photo);
  StandIn.silent.add('segment');
  const controller = new AbortController();
  const call = image.segment({ signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { code: 'aborted', name: 'AbortError' });
  const [worker] = StandIn.all;
  assert.deepEqual(worker.received.at(-1), { type: 'abort', id: worker.calls('segment')[0].id });
});

test('an image that is finished after its abort is freed', async () => {
  const segmenter = await create();
  StandIn.silent.add('setImage');
  const controller = new AbortController();
  const call = segmenter.setImage(photo, { signal: controller.signal });
  await tick();
  controller.abort();
  await assert.rejects(call, { code: 'aborted' });
  const [worker] = StandIn.all;
  worker.send({
    type: 'result',
    id: worker.calls('setImage')[0].id,
    result: { imageId: 7, width: 4, height: 3 },
  });
  await tick();
  assert.deepEqual(
    worker.calls('closeImage').map(({ args }) => args.imageId),
    [7],
  );
});

test('a crash rejects calls under way, and the next call restores the image in a new worker', async () => {
  const segmenter = await create();
  const heard = [];
  segmenter.addEventListener('devicelost', ({ detail }) => heard.push(['devicelost', detail.code]));
  segmenter.addEventListener('restored', ({ detail }) => heard.push(['restored', detail.device]));
  const image = await segmenter.setImage(photo);
  StandIn.silent.add('segment');
  const calls = [image.segment(), image.segment()];
  StandIn.all[0].send({ type: 'crash', message: 'index out of bounds' });
  for (const call of calls)
    await assert.rejects(call, { code: 'internal', message: /index out of bounds/ });
  assert.ok(StandIn.all[0].terminated);
  StandIn.silent.clear();
  const seen = [];
  const again = [
    image.segment({ onProgress: ({ fraction }) => seen.push(fraction) }),
    image.segment(),
    segmenter.setImage(photo),
  ];
  assert.deepEqual((await Promise.all(again)).slice(0, 2), [SCENE, SCENE]);
  assert.equal(StandIn.all.length, 2);
  // Both calls share one encoding of their image.
  assert.equal(StandIn.all[1].calls('setImage').length, 2);
  assert.deepEqual(
    seen,
    [...seen].sort((x, y) => x - y),
  );
  assert.equal(seen.at(-1), 1);
  assert.deepEqual(heard, [
    ['devicelost', 'internal'],
    ['restored', 'cpu'],
  ]);
});

test('a device that is lost between calls causes an event, and the next call replaces it', async () => {
  const segmenter = await create();
  const image = await segmenter.setImage(photo);
  const heard = [];
  segmenter.addEventListener('devicelost', ({ detail }) => heard.push(detail.code));
  StandIn.all[0].send({ type: 'lost', message: 'the driver was updated' });
  await tick();
  assert.deepEqual(heard, ['device-lost']);
  assert.deepEqual(await image.segment(), SCENE);
  assert.equal(StandIn.all.length, 2);
});

test('a restart that fails is an error of that call, and the next one tries again', async () => {
  const segmenter = await create();
  const image = await segmenter.setImage(photo);
  StandIn.all[0].send({ type: 'lost', message: 'gone' });
  await tick();
  StandIn.failures = { cpu: { code: 'internal', message: 'no memory' } };
  await assert.rejects(image.segment(), { code: 'internal', message: /no memory/ });
  StandIn.failures = {};
  assert.deepEqual(await image.segment(), SCENE);
});

test('an abort does not wait for the image to be restored', async () => {
  const segmenter = await create();
  const image = await segmenter.setImage(photo);
  StandIn.all[0].send({ type: 'lost', message: 'gone' });
  await tick();
  StandIn.silent.add('setImage');
  const controller = new AbortController();
  const call = image.segment({ signal: controller.signal });
  await tick();
  controller.abort();
  await assert.rejects(call, { code: 'aborted' });
});

test('closing rejects calls under way, and calls after it are errors', async () => {
  const segmenter = await create();
  const [image, other] = [await segmenter.setImage(photo), await segmenter.setImage(photo)];
  image.close();
  image.close();
  await assert.rejects(image.segment(), { code: 'closed' });
  assert.equal(StandIn.all[0].calls('closeImage').length, 1);
  StandIn.silent.add('segment');
  const call = other.segment();
  segmenter.close();
  segmenter.close();
  await assert.rejects(call, { code: 'closed' });
  await assert.rejects(other.segment(), { code: 'closed' });
  await assert.rejects(segmenter.setImage(photo), { code: 'closed' });
  assert.ok(StandIn.all[0].terminated);
});

test('`using` closes', { skip: Symbol.dispose === undefined }, async () => {
  const segmenter = await create();
  const image = await segmenter.setImage(photo);
  image[Symbol.dispose]();
  await assert.rejects(image.segment(), { code: 'closed' });
  segmenter[Symbol.dispose]();
  assert.ok(StandIn.all[0].terminated);
});

test('masks in prompts are compressed before they reach the worker', async () => {
  const image = await (await create()).setImage(photo);
  const [worker] = StandIn.all.slice(-1);
  const runs = { size: [3, 4], counts: [1, 2, 9] };
  const rle = encodeRle([0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0], 4, 3);
  await image.segment({ prompt: { kind: 'entity', mask: runs } });
  await image.segment({ prompt: { kind: 'entities', masks: [rle, runs] } });
  await image.segment({ prompt: { kind: 'mask', mask: rle } });
  const prompts = worker.calls('segment').map(({ args }) => args.request.prompt);
  assert.deepEqual(prompts, [
    { kind: 'entity', mask: rle },
    { kind: 'entities', masks: [rle, rle] },
    { kind: 'mask', mask: rle },
  ]);
  // The caller's own prompt stays as it was.
  assert.deepEqual(runs.counts, [1, 2, 9]);
});

test('malformed uncompressed masks never reach the worker', async () => {
  const image = await (await create()).setImage(photo);
  const [worker] = StandIn.all.slice(-1);
  for (const [code, mask] of [
    ['size-mismatch', { size: [3, 4], counts: [1, 2] }],
    ['invalid-prompt', { size: [65535, 65535], counts: [4] }],
    ['invalid-prompt', { counts: [4] }],
  ]) {
    await assert.rejects(image.segment({ prompt: { kind: 'mask', mask } }), {
      name: 'SegmenterError',
      code,
    });
    await assert.rejects(image.segment({ prompt: { kind: 'entities', masks: [mask, mask] } }), {
      name: 'SegmenterError',
      code,
    });
  }
  assert.deepEqual(worker.calls('segment'), []);
  // The worker checks everything that is not an uncompressed mask.
  for (const prompt of [
    { kind: 'mask' },
    { kind: 'mask', mask: null },
    { kind: 'entities', masks: 7 },
    'all',
    null,
  ])
    await image.segment({ prompt });
  assert.equal(worker.calls('segment').length, 5);
});
