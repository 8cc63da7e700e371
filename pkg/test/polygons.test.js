import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  maskToGeoJson,
  maskToPolygons,
  maskToSvgPath,
  sceneToGeoJson,
  traceOutline,
} from '../dist/index.js';
import {
  assortedMasks,
  blobs,
  cornersOf,
  fill,
  maskOf,
  pixelsOf,
  randomNumbers,
  signedArea,
  textMask,
} from '../testing/masks.js';

const area = (ring) => signedArea(cornersOf(ring));
const ringsOf = ({ outer, holes }) => [outer, ...holes].map(cornersOf);

/**
 * Finds pieces of pixels that are joined by their sides, by flooding. Gives the number of each
 * pixel's piece, which is 0 outside.
 */
function pieces(pixels, width) {
  const labels = new Uint32Array(pixels.length);
  let count = 0;
  pixels.forEach((inside, start) => {
    if (!inside || labels[start]) return;
    labels[start] = ++count;
    for (const queue = [start]; queue.length > 0; ) {
      const i = queue.pop();
      const x = i % width;
      for (const next of [x > 0 ? i - 1 : -1, x < width - 1 ? i + 1 : -1, i - width, i + width]) {
        if (!pixels[next] || labels[next]) continue;
        queue.push(next);
        labels[next] = count;
      }
    }
  });
  return { labels, count };
}

test('a polygon is one piece of the mask, with its holes and no others', () => {
  for (const [pixels, width] of assortedMasks()) {
    const height = pixels.length / width;
    const { labels, count } = pieces(pixels, width);
    const polygons = maskToPolygons(maskOf(pixels, width));
    assert.equal(polygons.length, count);
    const seen = new Set();
    for (const polygon of polygons) {
      const filled = fill(ringsOf(polygon), width, height);
      const label = labels[filled.indexOf(1)];
      seen.add(label);
      assert.deepEqual(
        filled,
        Uint8Array.from(labels, (other) => Number(other === label)),
      );
    }
    assert.equal(seen.size, count);
  }
});

test('exact polygons have the mask’s area', () => {
  for (const [pixels, width] of assortedMasks()) {
    const mask = maskOf(pixels, width);
    const polygons = maskToPolygons(mask);
    assert.ok(
      polygons.every(
        ({ outer, holes }) => area(outer) > 0 && holes.every((hole) => area(hole) < 0),
      ),
    );
    assert.equal(
      polygons
        .flatMap(({ outer, holes }) => [outer, ...holes])
        .reduce((sum, ring) => sum + area(ring), 0),
      mask.area,
    );
  }
});

test('holes belong to the piece around them, and islands in holes are pieces', () => {
  const polygons = maskToPolygons(
    textMask('#######', '#.....#', '#.###.#', '#.#.#.#', '#.###.#', '#.....#', '#######'),
  );
  assert.deepEqual(polygons, [
    { outer: [7, 0, 7, 7, 0, 7, 0, 0], holes: [[6, 6, 6, 1, 1, 1, 1, 6]] },
    { outer: [5, 2, 5, 5, 2, 5, 2, 2], holes: [[4, 4, 4, 3, 3, 3, 3, 4]] },
  ]);
});

/** Gives the largest distance of points along one closed line from another closed line. */
function deviation(ring, other) {
  let worst = 0;
  eachEdge(ring, (x0, y0, x1, y1) => {
    for (let t = 0; t <= 1; t += 1 / 16) {
      const [px, py] = [x0 + t * (x1 - x0), y0 + t * (y1 - y0)];
      let nearest = Infinity;
      eachEdge(other, (ax, ay, bx, by) => {
        const length = (bx - ax) ** 2 + (by - ay) ** 2;
        const along = Math.min(
          1,
          Math.max(0, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / length),
        );
        nearest = Math.min(
          nearest,
          Math.hypot(px - ax - along * (bx - ax), py - ay - along * (by - ay)),
        );
      });
      worst = Math.max(worst, nearest);
    }
  });
  return worst;
}

function eachEdge(ring, visit) {
  for (let i = 0; i < ring.length; i += 2)
    visit(ring[i], ring[i + 1], ring[(i + 2) % ring.length], ring[(i + 3) % ring.length]);
}

test('simplified outlines stay within the tolerance', () => {
  const random = randomNumbers(3);
  for (let round = 0; round < 8; round++) {
    const mask = maskOf(blobs(random, 30, 25), 30);
    const exact = maskToPolygons(mask).flatMap(({ outer, holes }) => [outer, ...holes]);
    for (const tolerance of [0.5, 1, 2, 5, 1000]) {
      const simple = maskToPolygons(mask, { tolerance }).flatMap(({ outer, holes }) => [
        outer,
        ...holes,
      ]);
      assert.equal(simple.length, exact.length);
      simple.forEach((ring, i) => {
        assert.ok(ring.length >= 6);
        assert.ok(ring.length <= exact[i].length);
        assert.equal(Math.sign(area(ring)), Math.sign(area(exact[i])));
        if (ring.length > 6) assert.ok(deviation(exact[i], ring) <= tolerance + 1e-9);
        assert.ok(deviation(ring, exact[i]) <= tolerance + 1e-9);
      });
    }
  }
});

test('combs, which are the hardest to simplify, stay within the tolerance too', () => {
  const mask = textMask('#.'.repeat(150), '#'.repeat(300));
  const [{ outer: exact }] = maskToPolygons(mask);
  for (const tolerance of [0.4, 0.75, 1]) {
    const [{ outer }] = maskToPolygons(mask, { tolerance });
    assert.ok(deviation(exact, outer) <= tolerance && deviation(outer, exact) <= tolerance);
    assert.ok(tolerance < 0.5 || outer.length < exact.length);
  }
});

test('stairs become a slope, and a tolerance of half a pixel keeps a square', () => {
  const stairs = textMask('#.....', '##....', '###...', '####..', '#####.', '######');
  assert.deepEqual(maskToPolygons(stairs, { tolerance: 1 }), [
    { outer: [1, 0, 6, 6, 0, 6], holes: [] },
  ]);
  assert.deepEqual(maskToPolygons(textMask('##', '##'), { tolerance: 0.5 }), [
    { outer: [2, 0, 2, 2, 0, 2, 0, 0], holes: [] },
  ]);
});

test('a tolerance below zero is refused', () => {
  for (const tolerance of [-1, NaN]) {
    assert.throws(() => maskToPolygons(textMask('#'), { tolerance }), TypeError);
    assert.throws(() => maskToSvgPath(textMask('#'), { tolerance }), TypeError);
  }
});

/** Gives the corners [x, y] of the rings of a path that has the commands M, l, h, v and z. */
function parsePath(path) {
  const rings = [];
  let [x, y] = [0, 0];
  for (const [, command, text] of path.matchAll(/([A-Za-z])([^A-Za-z]*)/g)) {
    const numbers = text.trim() === '' ? [] : text.trim().split(' ').map(Number);
    if (command === 'M') [x, y] = numbers;
    else if (command === 'l') [x, y] = [x + numbers[0], y + numbers[1]];
    else if (command === 'h') x += numbers[0];
    else if (command === 'v') y += numbers[0];
    else assert.equal(command, 'z');
    if (command === 'M') rings.push([]);
    if (command !== 'z') rings.at(-1).push([x, y]);
  }
  return rings;
}

test('filled SVG paths give the mask', () => {
  assert.equal(maskToSvgPath(textMask('...', '..#')), 'M3 1v1h-1v-1z');
  assert.equal(maskToSvgPath(textMask('..', '..')), '');
  for (const [pixels, width] of assortedMasks()) {
    assert.deepEqual(
      fill(parsePath(maskToSvgPath(maskOf(pixels, width))), width, pixels.length / width),
      pixels,
    );
  }
});

test('simplified SVG paths have the corners of the simplified polygons', () => {
  const mask = maskOf(blobs(randomNumbers(5), 40, 30), 40);
  const corners = maskToPolygons(mask, { tolerance: 1.5 }).flatMap(ringsOf);
  const sorted = (rings) => rings.map((ring) => JSON.stringify(ring)).sort();
  assert.ok(corners.length > 0 && traceOutline(mask.rle).length === corners.length);
  assert.deepEqual(sorted(parsePath(maskToSvgPath(mask, { tolerance: 1.5 }))), sorted(corners));
});

test('GeoJSON rings are closed and obey the right-hand rule', () => {
  for (const [pixels, width] of assortedMasks()) {
    const { geometry } = maskToGeoJson(maskOf(pixels, width), { tolerance: 0.6 });
    assert.equal(geometry.type, 'MultiPolygon');
    for (const polygon of geometry.coordinates) {
      polygon.forEach((ring, index) => {
        assert.ok(ring.length >= 4);
        assert.deepEqual(ring[0], ring.at(-1));
        assert.equal(Math.sign(signedArea(ring.slice(0, -1))), index === 0 ? 1 : -1);
      });
    }
  }
});

test('a scene becomes GeoJSON', () => {
  const part = maskOf(pixelsOf('..', '.#'), 2, { id: 7, level: 'part', score: 0.75, parent: 1 });
  const empty = maskOf(pixelsOf('..', '..'), 2, { id: 9, level: 'relation', members: [1, 2] });
  const collection = sceneToGeoJson({ width: 2, height: 2, masks: [part, empty] });
  assert.deepEqual(JSON.parse(JSON.stringify(collection)), {
    type: 'FeatureCollection',
    features: [
      {
        type: 'Feature',
        id: 7,
        geometry: {
          type: 'MultiPolygon',
          coordinates: [
            [
              [
                [2, 1],
                [2, 2],
                [1, 2],
                [1, 1],
                [2, 1],
              ],
            ],
          ],
        },
        properties: {
          id: 7,
          level: 'part',
          score: 0.75,
          area: 1,
          bbox: [1, 1, 1, 1],
          parent: 1,
          members: [],
        },
      },
      {
        type: 'Feature',
        id: 9,
        geometry: { type: 'MultiPolygon', coordinates: [] },
        properties: {
          id: 9,
          level: 'relation',
          score: 0.5,
          area: 0,
          bbox: [0, 0, 0, 0],
          parent: null,
          members: [1, 2],
        },
      },
    ],
  });
});
