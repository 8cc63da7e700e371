// Places the nodes of the scene graph.
import type { Mask, Scene } from 'aims-web';

export interface Node {
  mask: Mask;
  x: number;
  y: number;
  radius: number;
}

export interface Layout {
  nodes: Node[];
  /** The lines from each part to its entity. */
  stems: { from: Node; to: Node }[];
}

const PART_RADIUS = 5;
const ROUNDS = 80;

export function layout(
  entities: Mask[],
  parts: Mask[],
  scene: Scene,
  width: number,
  height: number,
): Layout {
  const place = (mask: Mask, radius: number): Node => {
    const [left, top, w, h] = mask.bbox;
    return {
      mask,
      radius,
      x: ((left + w / 2) / scene.width) * width,
      y: ((top + h / 2) / scene.height) * height,
    };
  };
  const hubs = entities.map((mask) =>
    place(mask, 10 + 8 * Math.sqrt(mask.area / (scene.width * scene.height))),
  );
  const [alone] = hubs.length === 1 ? hubs : [];
  // A single entity is in the middle, with room for its parts.
  if (alone) Object.assign(alone, { x: width / 2, y: height / 2, radius: 24 });
  spread(hubs, width, height);
  const partRadius = alone ? 10 : PART_RADIUS;

  const nodes = [...hubs];
  const stems: Layout['stems'] = [];
  for (const [hub, own] of byEntity(parts, hubs)) {
    own.forEach((mask, index) => {
      const node = place(mask, partRadius);
      if (hub) {
        const angle = (2 * Math.PI * index) / own.length - Math.PI / 2;
        // If there are too many parts for one ring, they alternate between two.
        const distance =
          hub.radius +
          2 * partRadius +
          (own.length > 8 && index % 2 ? 2.4 * partRadius : 0) +
          (alone ? 16 : 0);
        node.x = within(hub.x + distance * Math.cos(angle), partRadius, width);
        node.y = within(hub.y + distance * Math.sin(angle), partRadius, height);
        stems.push({ from: hub, to: node });
      }
      nodes.push(node);
    });
  }
  return { nodes, stems };
}

/**
 * Groups parts by the entity they belong to. If there is a single entity, all parts belong to it.
 */
function byEntity(parts: Mask[], hubs: Node[]): Map<Node | undefined, Mask[]> {
  const groups = new Map<Node | undefined, Mask[]>();
  for (const part of parts) {
    const hub = hubs.length === 1 ? hubs[0] : hubs.find(({ mask }) => mask.id === part.parent);
    groups.set(hub, [...(groups.get(hub) ?? []), part]);
  }
  return groups;
}

/** Moves nodes apart until they no longer overlap, as far as there is room. */
function spread(nodes: Node[], width: number, height: number): void {
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, a] of nodes.entries()) {
      for (const b of nodes.slice(index + 1)) {
        const distance = Math.hypot(b.x - a.x, b.y - a.y);
        const missing = a.radius + b.radius + 12 - distance;
        if (missing <= 0) continue;
        // Nodes at the same place move apart in a direction that depends on their index.
        const [dx, dy] =
          distance > 0
            ? [(b.x - a.x) / distance, (b.y - a.y) / distance]
            : [Math.cos(index), Math.sin(index)];
        a.x -= (dx * missing) / 2;
        a.y -= (dy * missing) / 2;
        b.x += (dx * missing) / 2;
        b.y += (dy * missing) / 2;
      }
    }
    for (const node of nodes) {
      node.x = within(node.x, node.radius + 2, width);
      node.y = within(node.y, node.radius + 2, height);
    }
  }
}

const within = (value: number, margin: number, size: number): number =>
  Math.min(size - margin, Math.max(margin, value));
