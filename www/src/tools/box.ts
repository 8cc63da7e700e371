// Selects the one thing inside a box.
import type { Box } from 'aims-web';
import { combineFor } from '../edit/selection.js';
import type { Point } from '../view/camera.js';
import type { Pen } from '../view/overlay.js';
import type { Bench } from './options.js';
import type { At, Tool } from './tool.js';

export class BoxTool implements Tool {
  readonly #bench: Bench;
  #corners: [Point, Point] | undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  start(at: At): void {
    this.#corners = [at, at];
  }

  drag(at: At): void {
    if (this.#corners) this.#corners[1] = at;
    this.#bench.viewport.redraw('overlay');
  }

  end(at: At): void {
    const box = this.#corners && boxBetween(this.#corners[0], at);
    this.cancel();
    const { editor, work } = this.#bench;
    if (box && box[2] > 0 && box[3] > 0)
      work.ask({ kind: 'points', box }, combineFor(at, editor.combine));
  }

  cancel(): void {
    this.#corners = undefined;
    this.#bench.viewport.redraw('overlay');
  }

  readonly draw = (pen: Pen): void => {
    if (this.#corners) drawBox(pen, boxBetween(...this.#corners));
  };
}

/** Gives the box of whole pixels between two corners. */
export function boxBetween(a: Point, b: Point): Box {
  const [left, top] = [Math.floor(Math.min(a.x, b.x)), Math.floor(Math.min(a.y, b.y))];
  return [left, top, Math.ceil(Math.max(a.x, b.x)) - left, Math.ceil(Math.max(a.y, b.y)) - top];
}

export function drawBox({ context, px }: Pen, [x, y, width, height]: Box): void {
  context.fillStyle = 'rgb(255 255 255 / 0.18)';
  context.fillRect(x, y, width, height);
  context.lineWidth = 3 * px;
  context.strokeStyle = 'rgb(0 0 0 / 0.6)';
  context.strokeRect(x, y, width, height);
  context.lineWidth = 1.5 * px;
  context.strokeStyle = '#fff';
  context.strokeRect(x, y, width, height);
}
