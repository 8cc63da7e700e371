// Polygons are valid by the rules of OpenGIS at any tolerance: rings do not touch themselves, no
// two rings cross, holes lie in their outer ring, and the inside of a polygon is one piece. Shapely
// 2.2.0 found the polygons of 6,600 such masks valid, at each of the tolerances 0, 0.5, 1, 2, 5 and
// 40. The check below needs no Shapely.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { maskToPolygons, traceOutline } from '../dist/index.js';
import { conflict } from '../dist/results/crossing.js';
import {
  assortedMasks,
  cornersOf,
  fill,
  maskOf,
  raggedMasks,
  signedArea,
  textMask,
} from '../testing/masks.js';

const TOLERANCES = [0, 0.5, 1, 2, 5, 40, Infinity];

/** Features with rings that touch themselves, which the first version gave. */
const touching = readFileSync(
  new URL('../../tests/data/touching_outlines.jsonl', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

const ringsOf = (polygons) =>
  polygons.flatMap(({ outer, holes }) => [outer, ...holes].map(cornersOf));
const edgesOf = (ring) => ring.map((corner, i) => [corner, ring[(i + 1) % ring.length]]);
const areaOf = (polygons) => ringsOf(polygons).reduce((sum, ring) => sum + signedArea(ring), 0);
const side = ([ax, ay], [bx, by], [cx, cy]) =>
  Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));
const isBetween = ([ax, ay], [bx, by], [cx, cy]) =>
  (ax - cx) * (bx - cx) + (ay - cy) * (by - cy) <= 0;
const isSame = (a, b) => a[0] === b[0] && a[1] === b[1];

/** Says whether two edges have more in common than one end of both. */
function meet([a, b], [c, d]) {
  if (isSame(a, d) && !isSame(b, c)) return meet([b, a], [d, c]);
  if (isSame(b, c)) return side(a, b, d) === 0 && (isSame(a, d) || !isBetween(a, d, b));
  if (isSame(a, c)) return meet([b, a], [c, d]);
  if (isSame(b, d)) return meet([a, b], [d, c]);
  const sides = [side(a, b, c), side(a, b, d), side(c, d, a), side(c, d, b)];
  if (sides[0] * sides[1] < 0 && sides[2] * sides[3] < 0) return true;
  return [
    [a, b, c],
    [a, b, d],
    [c, d, a],
    [c, d, b],
  ].some((three, i) => sides[i] === 0 && isBetween(...three));
}

/** Says whether a point is inside a ring. It must not be on the ring. */
function isIn(ring, [px, py]) {
  return (
    edgesOf(ring).filter(
      ([[x0, y0], [x1, y1]]) =>
        y0 > py !== y1 > py && px < x0 + ((py - y0) / (y1 - y0)) * (x1 - x0),
    ).length %
      2 ===
    1
  );
}

/** Says for each two rings whether the first lies in the second. */
function nesting(rings) {
  return rings.map((ring) => {
    const middles = edgesOf(ring).map(([[x0, y0], [x1, y1]]) => [(x0 + x1) / 2, (y0 + y1) / 2]);
    return rings.map((other) => {
      if (other === ring) return false;
      const [first, ...rest] = middles.map((middle) => isIn(other, middle));
      assert.ok(
        rest.every((inside) => inside === first),
        'rings that cross',
      );
      return first;
    });
  });
}

function checkValid(polygons) {
  const rings = ringsOf(polygons);
  for (const ring of rings)
    assert.equal(new Set(ring.map(String)).size, ring.length, 'a ring that touches itself');
  const edges = rings.flatMap(edgesOf);
  edges.forEach((edge, i) => {
    const [[x0, y0], [x1, y1]] = edge;
    for (const other of edges.slice(i + 1)) {
      const [[x2, y2], [x3, y3]] = other;
      const isFar =
        Math.max(x0, x1) < Math.min(x2, x3) ||
        Math.max(x2, x3) < Math.min(x0, x1) ||
        Math.max(y0, y1) < Math.min(y2, y3) ||
        Math.max(y2, y3) < Math.min(y0, y1);
      if (!isFar && meet(edge, other))
        assert.fail(`edges that meet: ${JSON.stringify([edge, other])}`);
    }
  });
  for (const polygon of polygons) checkOnePiece(ringsOf([polygon]));
}

/** Fails if rings that touch each other in a circle cut a polygon in two. */
function checkOnePiece(rings) {
  const root = new Map();
  const find = (key) => (root.has(key) ? find(root.get(key)) : key);
  const seen = new Map();
  rings.forEach((ring, index) => {
    for (const corner of ring.map(String)) seen.set(corner, [...(seen.get(corner) ?? []), index]);
  });
  for (const [corner, owners] of seen) {
    if (owners.length === 1) continue;
    for (const owner of owners) {
      assert.notEqual(find(owner), find(corner), 'a polygon in two pieces');
      root.set(find(owner), find(corner));
    }
  }
}

test('the check finds invalid polygons', () => {
  const [outer, square] = [
    [9, 0, 9, 9, 0, 9, 0, 0],
    [4, 4, 4, 2, 2, 2, 2, 4],
  ];
  checkValid([{ outer, holes: [square, [6, 6, 6, 4, 4, 4, 4, 6]] }]);
  const wrong = {
    'a ring that touches itself': [
      { outer: [4, 1, 4, 3, 3, 3, 3, 2, 2, 2, 2, 3, 3, 3, 3, 4, 1, 4, 1, 1], holes: [] },
    ],
    'edges that meet': [{ outer, holes: [[12, 4, 12, 2, 2, 2, 2, 4]] }],
    'a polygon in two pieces': [{ outer, holes: [[0, 0, 5, 8, 9, 9]] }],
  };
  for (const [message, polygons] of Object.entries(wrong))
    assert.throws(() => checkValid(polygons), new RegExp(`${message}`));
  for (const touch of [
    [4, 4, 9, 4, 4, 3],
    [4, 0, 5, 0, 4, 4],
    [1, 1, 5, 1, 3, 1],
  ])
    assert.throws(() => checkValid([{ outer, holes: [touch] }]), /meet/);
  assert.throws(
    () => nesting(ringsOf([{ outer: [0, 0, 4, 4, 8, 0], holes: [[2, 4, 4, 4, 4, 0, 6, 8]] }])),
    /cross/,
  );
});

for (const feature of touching) {
  test(`polygons are valid if pixels touch at corners: ${feature.properties.area} pixels of ${feature.name}`, () => {
    const [left, top, width, height] = feature.properties.bbox;
    const pixels = fill(feature.geometry.coordinates.flat(), left + width + 1, top + height + 1);
    const mask = maskOf(pixels, left + width + 1);
    assert.equal(mask.area, feature.properties.area);
    for (const tolerance of TOLERANCES) checkValid(maskToPolygons(mask, { tolerance }));
    assert.equal(areaOf(maskToPolygons(mask)), mask.area);
  });
}

test('a ring is cut where it touches itself', () => {
  assert.deepEqual(maskToPolygons(textMask('###', '#.#', '##.')), [
    { outer: [3, 0, 3, 2, 2, 2, 2, 3, 0, 3, 0, 0], holes: [[2, 2, 2, 1, 1, 1, 1, 2]] },
  ]);
  assert.deepEqual(traceOutline(textMask('####', '#.##', '##.#', '####').rle).length, 3);
});

test('polygons of ragged masks are valid at every tolerance, and rings stay inside the same rings', () => {
  for (const [pixels, width] of [...assortedMasks(), ...raggedMasks(1, 120, 16)]) {
    const mask = maskOf(pixels, width);
    const exact = maskToPolygons(mask);
    assert.equal(areaOf(exact), mask.area);
    const before = nesting(ringsOf(exact));
    for (const tolerance of TOLERANCES) {
      const polygons = maskToPolygons(mask, { tolerance });
      checkValid(polygons);
      assert.deepEqual(nesting(ringsOf(polygons)), before);
      assert.ok(
        polygons.every(({ outer, holes }) =>
          [outer, ...holes].every(
            (ring, i) => Math.sign(signedArea(cornersOf(ring))) === (i === 0 ? 1 : -1),
          ),
        ),
      );
    }
  }
});

test('a hole with an arm around nothing keeps its direction', () => {
  const mask = textMask('#####', '#...#', '#.#.#', '#.#.#', '#####');
  for (const tolerance of TOLERANCES) {
    const [{ holes }] = maskToPolygons(mask, { tolerance });
    assert.equal(holes.length, 1);
    assert.ok(signedArea(cornersOf(holes[0])) < 0);
  }
});

test('corners at which rings touch stay only if they must', () => {
  const pieces = maskToPolygons(textMask('.#.', '.##', '#.#', '...', '#..'), { tolerance: 1 });
  assert.deepEqual(
    pieces.map(({ outer }) => outer),
    [
      [2, 0, 3, 3, 1, 2],
      [1, 2, 1, 3, 0, 3],
      [1, 4, 1, 5, 0, 5],
    ],
  );
  const [{ outer, holes }] = maskToPolygons(
    textMask('....####', '########', '#.#..###', '##..#..#', '########'),
    { tolerance: 1 },
  );
  assert.deepEqual(
    [outer, ...holes],
    [
      [8, 0, 8, 5, 0, 5, 0, 1],
      [2, 3, 2, 2, 1, 2],
      [7, 4, 7, 3, 5, 3],
      [4, 4, 5, 2, 2, 3],
    ],
  );
});

/**
 * Makes rings of corners [x, y], all of which are kept. If a test moves a corner, this counts as if
 * corners between it and its neighbours had been left out.
 */
function cornersFor(...rings) {
  const places = rings.flat();
  const firsts = [0];
  for (const ring of rings) firsts.push(firsts.at(-1) + ring.length);
  const ringOf = rings.flatMap((ring, index) => ring.map(() => index));
  const around = (step) =>
    places.map(
      (_, i) =>
        firsts[ringOf[i]] +
        ((i - firsts[ringOf[i]] + step + rings[ringOf[i]].length) % rings[ringOf[i]].length),
    );
  return {
    x: places.map(([x]) => x),
    y: places.map(([, y]) => y),
    next: around(1),
    before: around(-1),
    ringOf,
    firsts,
  };
}

test('lines of neighbours may not lie on each other', () => {
  const corners = cornersFor([
    [0, 0],
    [4, 0],
    [4, 4],
    [0, 4],
  ]);
  assert.deepEqual(conflict(corners, 0, 1), []);
  [corners.x[2], corners.y[2]] = [2, 0];
  assert.deepEqual(conflict(corners, 0, 1), [0, 1]);
  assert.deepEqual(conflict(corners, 1, 0), [1, 0]);
  [corners.x[2], corners.y[2]] = [6, 0];
  assert.deepEqual(conflict(corners, 0, 1), []);
});

test('rings that touch at a corner may not cross there', () => {
  // Two pixels, and two holes of one pixel each, touch at (2, 2).
  const upper = [
    [2, 1],
    [2, 2],
    [1, 2],
    [1, 1],
  ];
  const lower = [
    [2, 2],
    [3, 2],
    [3, 3],
    [2, 3],
  ];
  for (const [first, second] of [
    [upper, lower],
    [[...upper].reverse(), [...lower].reverse()],
  ]) {
    const corners = cornersFor(first, second);
    const [mine, other] = [2, 2].map((place, ring) =>
      first
        .concat(second)
        .findIndex(([x, y], i) => x === place && y === place && (ring === 0) === i < 4),
    );
    assert.deepEqual(conflict(corners, mine, other), []);
    // A corner of the lower ring moves into the angle of the upper one, onto its edge, and to where
    // it does no harm.
    const at = corners.next[other];
    for (const [place, expected] of [
      [
        [0, -1],
        [corners.before[mine], mine, corners.before[other], other],
      ],
      [
        [2, 0],
        [corners.before[mine], mine, corners.before[other], other],
      ],
      [[5, 3], []],
    ]) {
      [corners.x[at], corners.y[at]] = place;
      assert.deepEqual(conflict(corners, mine, other), expected);
    }
  }
});
