// Selects the thing inside a loose outline, or exactly what is inside the outline.
import { cocoToRle } from 'aims-web';
import { combineFor } from '../edit/selection.js';
import type { Pen } from '../view/overlay.js';
import type { Bench } from './options.js';
import { drawStroke, Stroke } from './stroke.js';
import type { At, Tool } from './tool.js';

export class Lasso implements Tool {
  readonly #bench: Bench;
  #stroke: Stroke | undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  start(at: At): void {
    this.#stroke = new Stroke(at);
  }

  drag(at: At): void {
    this.#stroke?.add(at);
    this.#bench.viewport.redraw('overlay');
  }

  end(at: At): void {
    const points = this.#stroke?.path ?? [];
    this.cancel();
    if (points.length < 3) return;
    const { editor, work, viewport, options } = this.#bench;
    const how = combineFor(at, editor.combine);
    if (!options.exact) work.ask({ kind: 'lasso', points }, how);
    else if (viewport.photo) {
      const { width, height } = viewport.photo;
      editor.select({ rle: cocoToRle({ segmentation: [points.flat()] }, width, height) }, how);
    }
  }

  cancel(): void {
    this.#stroke = undefined;
    this.#bench.viewport.redraw('overlay');
  }

  readonly draw = (pen: Pen): void => {
    if (!this.#stroke) return;
    const { points } = this.#stroke;
    drawStroke(pen, [...points, points[0]!]);
  };
}
