// Tests what refining an edge asks of the worker, with a stand-in for it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeRle } from '../dist/index.js';
import { create, MATTE, StandIn, tick } from '../testing/worker.js';

const photo = new Blob(['photo']);
const MASK = { rle: encodeRle(Array(12).fill(1), 4, 3) };

test('a call has the photo, the compressed mask and all options, and reports progress', async () => {
  const image = await (await create()).setImage(photo);
  const seen = [];
  const onProgress = ({ stage, fraction }) => seen.push([stage, fraction]);
  const uncompressed = { rle: { size: [3, 4], counts: [0, 12] } };
  assert.deepEqual(await image.refine(uncompressed, { hair: true, radius: 7, onProgress }), MATTE);
  assert.deepEqual(seen, [
    ['refine', 0.6],
    ['refine', 1],
  ]);
  await image.refine(MASK, { colors: 'photo', zoom: false });
  const [first, second] = StandIn.all[0].calls('refine').map(({ args }) => args);
  assert.deepEqual(first.image, { format: 'file', file: photo });
  assert.deepEqual(first.mask, MASK.rle);
  assert.deepEqual(first.options, { radius: 7, hair: true, colors: 'clean', zoom: true });
  assert.deepEqual(second.options, {
    radius: undefined,
    hair: false,
    colors: 'photo',
    zoom: false,
  });
  assert.equal(first.photoId, second.photoId);
  const other = await (await create()).setImage(photo);
  await other.refine(MASK);
  assert.notEqual(StandIn.all[1].calls('refine')[0].args.photoId, first.photoId);
});

test('a new worker refines without encoding the photo again', async () => {
  const image = await (await create()).setImage(photo);
  StandIn.all[0].send({ type: 'lost', message: 'gone' });
  await tick();
  assert.deepEqual(await image.refine(MASK), MATTE);
  assert.equal(StandIn.all.length, 2);
  assert.equal(StandIn.all[1].calls('setImage').length, 0);
  image.close();
  assert.equal(StandIn.all[1].calls('closePhoto').length, 1, 'the pixels are freed there');
});

test('an image that refined nothing has no pixels to free', async () => {
  const image = await (await create()).setImage(photo);
  image.close();
  const [worker] = StandIn.all;
  assert.deepEqual([worker.calls('closeImage').length, worker.calls('closePhoto').length], [1, 0]);
});

test('a call that is aborted, or made on a closed image, is an error', async () => {
  const image = await (await create()).setImage(photo);
  StandIn.silent.add('refine');
  const controller = new AbortController();
  const call = image.refine(MASK, { signal: controller.signal });
  await tick();
  controller.abort();
  await assert.rejects(call, { code: 'aborted', name: 'AbortError' });
  assert.equal(StandIn.all[0].received.at(-1).type, 'abort');
  const { signal } = controller;
  await assert.rejects(image.refine(MASK, { signal }), { code: 'aborted' });
  image.close();
  await assert.rejects(image.refine(MASK), { code: 'closed' });
});

test('an image that is closed while a worker starts for it is not refined', async () => {
  const image = await (await create()).setImage(photo);
  StandIn.all[0].send({ type: 'lost', message: 'gone' });
  await tick();
  const call = image.refine(MASK);
  image.close();
  await assert.rejects(call, { code: 'closed' });
  assert.equal(StandIn.all[1].calls('refine').length, 0);
});

test('a mask that is malformed never reaches the worker', async () => {
  const image = await (await create()).setImage(photo);
  await assert.rejects(image.refine({ rle: { size: [3, 4], counts: [5] } }), {
    code: 'size-mismatch',
  });
  assert.equal(StandIn.all[0].calls('refine').length, 0);
});
