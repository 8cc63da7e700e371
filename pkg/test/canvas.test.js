// Tests what is drawn, with stand-ins for the classes that Node lacks.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskToImageBitmap, maskToImageData, maskToPath2D, maskToPolygons } from '../dist/index.js';
import { assortedMasks, FakeImageData, maskOf, textMask } from '../testing/masks.js';

/** Records a path as rings of corners. */
class FakePath2D {
  rings = [];
  closed = 0;

  moveTo(x, y) {
    this.rings.push([x, y]);
  }

  lineTo(x, y) {
    this.rings.at(-1).push(x, y);
  }

  closePath() {
    this.closed++;
  }
}

globalThis.ImageData ??= FakeImageData;
globalThis.Path2D ??= FakePath2D;
globalThis.createImageBitmap ??= async (image) => ({ of: image });

test('masks are painted in a colour', async () => {
  const mask = textMask('.#', '##', '..');
  const image = maskToImageData(mask, [1, 2, 3, 4]);
  assert.deepEqual([image.width, image.height], [2, 3]);
  assert.deepEqual(
    [...image.data],
    [0, 0, 0, 0, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0],
  );
  assert.deepEqual([...maskToImageData(textMask('#')).data], [255, 255, 255, 255]);
  const bitmap = await maskToImageBitmap(mask, [1, 2, 3, 4]);
  assert.deepEqual(bitmap.of.data, image.data);
});

test('paths have the rings of the polygons, closed', () => {
  for (const tolerance of [undefined, 0, 1.5]) {
    for (const [pixels, width] of assortedMasks()) {
      const mask = maskOf(pixels, width);
      const path = maskToPath2D(mask, { tolerance });
      const rings = maskToPolygons(mask, { tolerance }).flatMap(({ outer, holes }) => [
        outer,
        ...holes,
      ]);
      const sorted = (list) => list.map((ring) => ring.join()).sort();
      assert.deepEqual(sorted(path.rings), sorted(rings));
      assert.equal(path.closed, rings.length);
    }
  }
});
