// The module itself, on the CPU: its memory never shrinks, so that its size at the end is the most that it took.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import init, { Engine } from '../wasm/simd/aims_web.js';

const BUDGET = 200 << 20;

test('a photo and its three levels at 1024 take at most 200 MiB', async () => {
  const file = async (path) => new Uint8Array(await readFile(new URL(path, import.meta.url)));
  const { memory } = await init({ module_or_path: await file('../wasm/simd/aims_web_bg.wasm') });
  const engine = await Engine.create('cpu', await file('../models/aims-tiny-q8.safetensors'), false, 1024, false);
  const goOn = async () => true;
  const photo = await engine.setImageBytes(await file('../../www/public/samples/astronaut.jpg'), goOn);
  const { masks } = await photo.segment({}, goOn);
  assert.ok(masks.length > 5, `${masks.length} masks`);
  const bytes = memory.buffer.byteLength;
  assert.ok(bytes <= BUDGET, `${(bytes / 2 ** 20).toFixed(1)} MiB`);
});
