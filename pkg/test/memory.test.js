// Tests the memory of the wasm module itself, on the CPU. The memory never shrinks, so its size at
// the end is the most that was used.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';

const file = async (path) => new Uint8Array(await readFile(new URL(path, import.meta.url)));
const goOn = async () => true;

const TINY = '../models/aims-tiny-q4.safetensors';
const BASE = '../models/aims-base-q4.safetensors';

const CASES = [
  { name: 'aims-tiny, three levels', model: TINY, size: 1024, request: {}, most: 200 },
  { name: 'aims-base, three levels', model: BASE, size: 512, request: {}, most: 200 },
  { name: 'aims-base, three levels', model: BASE, size: 768, request: {}, most: 300 },
];

for (const { name, model, size, request, most } of CASES) {
  test(`${name}: a photo at ${size} takes at most ${most} MiB`, async () => {
    // With another address this is another module, with its own memory.
    const {
      default: init,
      Engine,
      PhotoPixels,
    } = await import(`../wasm/simd/aims_web.js?${size}-${most}`);
    const { memory } = await init({ module_or_path: await file('../wasm/simd/aims_web_bg.wasm') });
    const engine = await Engine.create('cpu', await file(model), false, size, 'f32');
    const pixels = PhotoPixels.decode(await file('../../www/public/samples/astronaut.jpg'));
    const photo = await engine.encode(pixels, goOn);
    const { masks } = await photo.segment(request, goOn);
    assert.ok(masks.length > 0, 'there are masks');
    assert.ok(
      (await photo.candidates({ points: [{ x: 200, y: 200, label: 1 }] }, goOn)).length > 0,
      'a point has masks',
    );
    const mebibytes = memory.buffer.byteLength / 2 ** 20;
    assert.ok(mebibytes <= most, `${mebibytes.toFixed(1)} MiB`);
  });
}
