// The scene graph as SVG. Entities are where they are in the photo, lines are relations, and parts
// are around their entity.
import type { CocoRle, Mask } from 'aims-web';
import { byId as element, svg } from '../dom.js';
import type { Step } from '../edit/step.js';
import { colorOf, ofLevel, titleOf } from '../view/shapes.js';
import { layout, type Node } from './layout.js';

/** Which keys are held when something is picked. */
interface Keys {
  shift: boolean;
  alt: boolean;
}

export interface GraphEvents {
  onHover: (mask: Mask | undefined) => void;
  onPick: (mask: Mask, keys: Keys) => void;
  /** Called for a double click or the key O. */
  onOpen: (mask: Mask) => void;
}

/** The width of the drawing, in its own units. The height follows the photo, within limits. */
const WIDTH = 320;

export class Graph {
  readonly #root = element<SVGSVGElement>('graph');
  readonly #events: GraphEvents;
  readonly #items = new Map<Mask, SVGGElement>();

  #shown: Step | undefined;

  constructor(events: GraphEvents) {
    this.#events = events;
  }

  show(step: Step | undefined): void {
    // A step that shows another level has the same graph.
    if (step?.scene === this.#shown?.scene) return;
    this.#shown = step;
    this.#items.clear();
    this.#root.replaceChildren();
    this.#root.toggleAttribute('hidden', !step?.scene.masks.length);
    if (!step) return;
    const { scene, opened } = step;
    const found = ofLevel(scene, 'entity');
    // Inside an entity, the result has only its parts.
    const entities =
      found.length > 0
        ? found
        : opened.filter((mask): mask is Mask => 'level' in mask && mask.level === 'entity');
    const height = Math.round(WIDTH * Math.min(1, Math.max(0.5, scene.height / scene.width)));
    const { nodes, stems } = layout(entities, ofLevel(scene, 'part'), scene, WIDTH, height);
    this.#root.setAttribute('viewBox', `0 0 ${WIDTH} ${height}`);

    for (const relation of ofLevel(scene, 'relation')) this.#addRelation(relation, nodes, entities);
    for (const { from, to } of stems)
      this.#root.append(svg('line', { class: 'stem', x1: from.x, y1: from.y, x2: to.x, y2: to.y }));
    for (const node of nodes.filter(({ mask }) => mask.level === 'part')) this.#addNode(node);
    for (const node of nodes.filter(({ mask }) => mask.level === 'entity')) this.#addNode(node);
    this.#moveTabStop([...this.#items.values()][0]);
  }

  highlight(lit: CocoRle | undefined, selected: CocoRle | undefined): void {
    for (const [{ rle }, item] of this.#items) {
      item.classList.toggle('lit', rle === lit);
      item.classList.toggle('selected', rle === selected);
    }
  }

  #addRelation(relation: Mask, nodes: Node[], entities: Mask[]): void {
    const byId = (id: number) =>
      nodes.find(({ mask }) => mask.level === 'entity' && mask.id === id);
    const ends = relation.members.map(byId);
    // If the result has only the relation, its ends are the two entities that were picked.
    const [a, b] = ends.every(Boolean) ? ends : nodes.filter(({ mask }) => entities.includes(mask));
    if (!a || !b) return;
    const line = { x1: a.x, y1: a.y, x2: b.x, y2: b.y };
    this.#addItem(
      relation,
      svg('line', { ...line, class: 'edge', 'stroke-width': 1 + 3 * relation.score }),
      svg('line', { ...line, class: 'grip' }),
    );
  }

  #addNode({ mask, x, y, radius }: Node): void {
    const circle = svg('circle', { cx: x, cy: y, r: radius, fill: colorOf(mask) });
    this.#addItem(
      mask,
      circle,
      ...(mask.level === 'entity' ? [svg('text', { x, y }, String(mask.id))] : []),
    );
  }

  #addItem(mask: Mask, ...shapes: SVGElement[]): void {
    const label = `${titleOf(mask)}, score ${Math.round(100 * mask.score)} %`;
    const item = svg(
      'g',
      { class: 'item', role: 'button', tabindex: -1, 'aria-label': label },
      svg('title', {}, label),
      ...shapes,
    );
    item.dataset.level = mask.level;
    item.dataset.id = String(mask.id);
    item.addEventListener('pointerenter', () => this.#events.onHover(mask));
    item.addEventListener('pointerleave', () => this.#events.onHover(undefined));
    item.addEventListener('focus', () => this.#events.onHover(mask));
    item.addEventListener('blur', () => this.#events.onHover(undefined));
    item.addEventListener('click', (event) => this.#events.onPick(mask, keysOf(event)));
    item.addEventListener('dblclick', () => this.#events.onOpen(mask));
    item.addEventListener('keydown', (event) => this.#onKey(event, mask));
    this.#items.set(mask, item);
    this.#root.append(item);
  }

  /** Handles a key. The Tab key stops once at the graph, and the arrow keys move inside it. */
  #onKey(event: KeyboardEvent, mask: Mask): void {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) {
      const items = [...this.#items.values()];
      const at = items.indexOf(this.#items.get(mask)!);
      this.#moveTabStop(items[(at + step + items.length) % items.length])?.focus();
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.#events.onPick(mask, keysOf(event));
    } else if (event.key === 'o') this.#events.onOpen(mask);
    else return;
    event.preventDefault();
  }

  #moveTabStop(item: SVGGElement | undefined): SVGGElement | undefined {
    for (const other of this.#items.values())
      other.setAttribute('tabindex', other === item ? '0' : '-1');
    return item;
  }
}

const keysOf = ({ shiftKey, altKey }: MouseEvent | KeyboardEvent): Keys => ({
  shift: shiftKey,
  alt: altKey,
});
