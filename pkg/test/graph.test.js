import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sceneGraph, sceneToDot } from '../dist/index.js';
import { maskOf, pixelsOf } from '../testing/masks.js';

const mask = (id, level, more) =>
  maskOf(pixelsOf('##', '.#'), 2, { id, level, score: id / 10, ...more });
const masks = [
  mask(1, 'entity'),
  mask(2, 'entity'),
  mask(3, 'part', { parent: 1 }),
  mask(4, 'part'),
  mask(5, 'relation', { members: [1, 2] }),
];
const scene = { width: 2, height: 2, masks };

test('a graph has a node for each mask and an edge for each link', () => {
  const graph = sceneGraph(scene);
  assert.deepEqual(JSON.parse(JSON.stringify(graph)), graph);
  assert.deepEqual(graph.nodes[2], {
    id: 3,
    level: 'part',
    score: 0.3,
    area: 3,
    bbox: [0, 0, 2, 2],
  });
  assert.deepEqual(
    graph.nodes.map(({ id }) => id),
    [1, 2, 3, 4, 5],
  );
  assert.deepEqual(graph.edges, [
    { from: 1, to: 3, kind: 'has-part' },
    { from: 5, to: 1, kind: 'has-member' },
    { from: 5, to: 2, kind: 'has-member' },
  ]);
});

test('links to masks that were removed from the scene are left out', () => {
  const graph = sceneGraph({ ...scene, masks: masks.filter(({ id }) => id !== 1) });
  assert.deepEqual(graph.edges, [{ from: 5, to: 2, kind: 'has-member' }]);
});

test('an empty scene has an empty graph', () => {
  assert.deepEqual(sceneGraph({ width: 2, height: 2, masks: [] }), { nodes: [], edges: [] });
  assert.match(sceneToDot({ width: 2, height: 2, masks: [] }), /^digraph scene \{[\s\S]*\}\n$/);
});

/** Gives the body of each group with the same rank, by level. */
const ranksOf = (dot) =>
  Object.fromEntries(
    [...dot.matchAll(/\{\s*rank=same; (\w+);([^}]*)\}/g)].map(([, level, body]) => [level, body]),
  );

test('DOT has the nodes, in three rows, and the edges', () => {
  const dot = sceneToDot(scene);
  const ranks = ranksOf(dot);
  assert.deepEqual(Object.keys(ranks), ['relation', 'entity', 'part']);
  for (const { id, level } of masks) {
    assert.ok(
      ranks[level].includes(
        `mask${id} [label="${level[0].toUpperCase()}${level.slice(1)} ${id}\\n0.${id}0"];`,
      ),
    );
    assert.equal(dot.split(`    mask${id} [`).length, 2);
  }
  assert.deepEqual(dot.match(/mask\d+ -> .*/g), [
    'mask1 -> mask3 [label="has-part"];',
    'mask5 -> mask1 [label="has-member"];',
    'mask5 -> mask2 [label="has-member"];',
  ]);
});

test('names are escaped in DOT', () => {
  const dot = sceneToDot({ ...scene, masks: [masks[0]] }, { name: () => 'a "cup"\\\non it' });
  assert.ok(dot.includes(String.raw`[label="a \"cup\"\\\non it\n0.10"]`));
  assert.equal(dot.match(/(?<!\\)(?:\\\\)*"/g).length % 2, 0);
});
