import type { CocoRle, Level, Mask, Rle, Scene } from '../common/types.js';

/** The graph has the masks of a scene and the links between them. */
export interface SceneGraph {
  nodes: Pick<Mask, 'id' | 'level' | 'score' | 'area' | 'bbox'>[];
  edges: SceneEdge[];
}

/** A link joins two masks by their ids: an entity has parts, and a relation has members. */
export interface SceneEdge {
  from: number;
  to: number;
  kind: 'has-part' | 'has-member';
}

/** This option names masks. */
export interface NameOptions<Code extends CocoRle = Rle> {
  /** A function that gives the name of a mask. Default: its level and id, as in 'Entity 3'. */
  name?: ((mask: Mask<Code>) => string) | undefined;
}

// The rows of the graph, from the top down.
const RANKS: readonly Level[] = ['relation', 'entity', 'part'];

export const defaultName = ({ level, id }: Pick<Mask, 'level' | 'id'>): string =>
  `${level[0]!.toUpperCase()}${level.slice(1)} ${id}`;

/**
 * Makes a graph of how the masks of a scene belong together, as plain JSON. Links to masks that are
 * not in the scene are left out.
 */
export function sceneGraph({ masks }: Scene<CocoRle>): SceneGraph {
  const ids = new Set(masks.map(({ id }) => id));
  const edges: SceneEdge[] = [];
  for (const { id, parent, members } of masks) {
    if (parent !== null && ids.has(parent)) edges.push({ from: parent, to: id, kind: 'has-part' });
    for (const member of members)
      if (ids.has(member)) edges.push({ from: id, to: member, kind: 'has-member' });
  }
  return {
    nodes: masks.map(({ id, level, score, area, bbox }) => ({
      id,
      level,
      score,
      area,
      bbox: [...bbox],
    })),
    edges,
  };
}

/** Writes the graph in Graphviz's language: relations in the top row, then entities, then parts. */
export function sceneToDot<Code extends CocoRle = Rle>(
  scene: Scene<Code>,
  { name = defaultName }: NameOptions<Code> = {},
): string {
  const lines = ['digraph scene {', '  node [shape=box];'];
  // Invisible links between the rows' headings keep the rows apart and in order, even if no mask
  // links them.
  lines.push(`  { node [shape=plaintext]; edge [style=invis]; ${RANKS.join(' -> ')}; }`);
  for (const level of RANKS) {
    lines.push('  {', `    rank=same; ${level};`);
    for (const mask of scene.masks) {
      if (mask.level === level)
        lines.push(
          `    mask${mask.id} [label=${quote(`${name(mask)}\n${mask.score.toFixed(2)}`)}];`,
        );
    }
    lines.push('  }');
  }
  for (const { from, to, kind } of sceneGraph(scene).edges)
    lines.push(`  mask${from} -> mask${to} [label=${quote(kind)}];`);
  return `${lines.join('\n')}\n}\n`;
}

/** Writes a string for Graphviz, in which backslashes would begin escapes. */
const quote = (text: string): string =>
  `"${text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll(/\r\n?|\n/g, '\\n')}"`;
