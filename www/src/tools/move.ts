// Moves the cut-out over its background.
import type { Point } from '../view/camera.js';
import type { Bench } from './options.js';
import type { At, Tool } from './tool.js';

/** One press of an arrow key moves by this many CSS pixels, and by more with Shift. */
const NUDGE = 1;
const NUDGE_FAR = 10;

const ARROWS: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

export class Move implements Tool {
  readonly #bench: Bench;
  #from: { at: At; offset: Point } | undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  start(at: At): void {
    const { editor } = this.#bench;
    if (!editor.state.selection) return;
    editor.seal();
    editor.previewing = true;
    this.#from = { at, offset: editor.state.offset };
  }

  drag(at: At): void {
    const { editor, viewport } = this.#bench;
    if (!this.#from) return;
    // The way on the screen is not limited to the photo.
    const { scale } = viewport.camera;
    const { offset } = this.#from;
    const x = Math.round(offset.x + (at.screen.x - this.#from.at.screen.x) / scale);
    const y = Math.round(offset.y + (at.screen.y - this.#from.at.screen.y) / scale);
    editor.edit({ offset: { x, y } }, 'move');
  }

  end(): void {
    this.#from = undefined;
    this.#bench.editor.seal();
  }

  cancel(): void {
    if (this.#from) this.#bench.editor.undo();
    this.#from = undefined;
  }

  key(event: KeyboardEvent): boolean {
    const arrow = ARROWS[event.key];
    const { editor, viewport } = this.#bench;
    if (!arrow || !editor.state.selection) return false;
    const far = (event.shiftKey ? NUDGE_FAR : NUDGE) / viewport.camera.scale;
    const { x, y } = editor.state.offset;
    editor.previewing = true;
    const by = (direction: number) => direction * Math.max(1, Math.round(far));
    editor.edit({ offset: { x: x + by(arrow.x), y: y + by(arrow.y) } }, 'nudge');
    return true;
  }
}
