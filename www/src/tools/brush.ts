// Selects the thing that a stroke is painted over, or exactly what is painted.
import { combineFor } from '../edit/selection.js';
import type { Pen } from '../view/overlay.js';
import type { Bench } from './options.js';
import { drawBrush, drawStroke, Stroke, strokeToRle } from './stroke.js';
import type { At, Tool } from './tool.js';

export class Brush implements Tool {
  protected readonly bench: Bench;
  #at: At | undefined;
  #stroke: Stroke | undefined;

  constructor(bench: Bench) {
    this.bench = bench;
  }

  leave(): void {
    this.hover(undefined);
  }

  hover(at: At | undefined): void {
    this.#at = at;
    this.bench.viewport.redraw('overlay');
  }

  start(at: At): void {
    this.#stroke = new Stroke(at);
  }

  drag(at: At): void {
    this.#stroke?.add(at);
    this.hover(at);
  }

  end(at: At): void {
    const stroke = this.#stroke;
    this.cancel();
    if (stroke) this.finish(stroke, at);
  }

  /** A dot is a stroke too. */
  click(at: At): void {
    this.finish(new Stroke(at), at);
  }

  cancel(): void {
    this.#stroke = undefined;
    this.bench.viewport.redraw('overlay');
  }

  readonly draw = (pen: Pen): void => {
    const width = this.bench.options.size * pen.px;
    if (this.#stroke) drawStroke(pen, this.#stroke.points, width);
    if (this.#at) drawBrush(pen, this.#at, width);
  };

  protected get radius(): number {
    return this.bench.options.size / this.bench.viewport.camera.scale / 2;
  }

  protected finish(stroke: Stroke, at: At): void {
    const { editor, work, viewport, options } = this.bench;
    const how = combineFor(at, editor.combine);
    if (!options.exact) {
      work.ask({ kind: 'strokes', strokes: [{ points: stroke.path, label: 1 }] }, how);
    } else if (viewport.photo) {
      editor.select({ rle: strokeToRle(stroke.points, this.radius, viewport.photo) }, how);
    }
  }
}
