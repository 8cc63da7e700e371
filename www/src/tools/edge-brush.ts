// Paints over a piece of the selection's edge, where the edge is then found with the careful way.
import { Brush } from './brush.js';
import type { Stroke } from './stroke.js';

export class EdgeBrush extends Brush {
  protected override finish({ points }: Stroke): void {
    const { editor } = this.bench;
    if (!editor.state.selection) return;
    editor.previewing = true;
    const stroke = { points: points.map(({ x, y }) => ({ x, y })), radius: this.radius };
    editor.edit({ strokes: [...editor.state.strokes, stroke] });
  }
}
