// Tests what Node and server-side rendering get.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import * as node from 'aims-web';
import * as browser from '../dist/index.js';

test('the package can be imported, and says where it works', async () => {
  await assert.rejects(node.Segmenter.create(), {
    code: 'unsupported-environment',
    message: /browsers/,
  });
  assert.equal((await node.Segmenter.isSupported()).supported, false);
  assert.equal(await node.Segmenter.isCached(), false);
  await node.Segmenter.clearCache();
});

test('it has the same names, and plain data works', () => {
  assert.deepEqual(Object.keys(node).sort(), Object.keys(browser).sort());
  const rle = node.encodeRle([0, 1, 1, 0], 2, 2);
  assert.deepEqual([...node.decodeRle(rle)], [0, 1, 1, 0]);
});

test('files that pages may want to host themselves can be imported by name', () => {
  for (const name of [
    'worker',
    'psd',
    'simd/aims_web_bg.wasm',
    'relaxed-simd/aims_web_bg.wasm',
    'models/aims-base-q4.safetensors',
    'models/aims-tiny-q4.safetensors',
    'package.json',
  ]) {
    const place = import.meta.resolve(`aims-web/${name}`);
    assert.ok(existsSync(new URL(place)), place);
  }
});
