// Finds the relation of two entities that are picked one after the other.
import type { Mask } from 'aims-web';
import { entityDepth } from '../edit/step.js';
import { masksAt, ofLevel } from '../view/shapes.js';
import type { Bench } from './options.js';
import { walkMasks } from './pick.js';
import type { At, Tool } from './tool.js';

export class Pair implements Tool {
  readonly fingerPans = true;
  readonly #bench: Bench;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  leave(): void {
    const { editor } = this.#bench;
    editor.hovered = editor.picked = undefined;
    editor.changed();
  }

  hover(at: At | undefined): void {
    this.#bench.editor.hover(at && this.#entityAt(at));
  }

  click(at: At): void {
    this.pick(this.#entityAt(at));
  }

  key(event: KeyboardEvent): boolean {
    const { hovered } = this.#bench.editor;
    if (event.key !== 'Enter') return walkMasks(this.#bench, event);
    if (hovered && 'level' in hovered) this.pick(hovered as Mask);
    return true;
  }

  /** Picks an entity, here or in the graph. */
  pick(mask: Mask | undefined): void {
    const { editor, work, say } = this.#bench;
    if (mask?.level !== 'entity') return say('Pick two entities.');
    const first = editor.picked;
    if (!first || first === mask) {
      editor.picked = mask;
      say('Now pick a second entity to find their relation.');
      return editor.changed();
    }
    const depth = entityDepth(editor.state.steps) + 1;
    work.openPrompt({ kind: 'entities', masks: [first.rle, mask.rle] }, [first, mask], depth);
  }

  #entityAt(at: At): Mask | undefined {
    const { steps } = this.#bench.editor.state;
    const scene = steps[entityDepth(steps)]?.scene;
    return scene && masksAt(ofLevel(scene, 'entity'), at)[0];
  }
}
