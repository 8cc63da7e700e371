// The result: the cut-out on its backdrop.
import type { CutOut } from '../edit/cut-outs.js';
import type { EditState } from '../edit/state.js';
import { drawBackdrop } from './backdrop.js';
import type { Pen } from './overlay.js';
import type { Pyramid } from './pyramid.js';

interface Result {
  photo: Pyramid;
  cutOut: CutOut;
  state: EditState;
}

/** Draws the result over the photo to the right of a line, given in CSS pixels from the left. */
export function drawResult(pen: Pen, result: Result, line: number): void {
  const { context, scale, px } = pen;
  const { photo } = result;
  const { a, e } = context.getTransform();
  context.save();
  context.beginPath();
  const left = Math.max(0, (line * devicePixelRatio - e) / a);
  context.rect(left, 0, Math.max(0, photo.width - left), photo.height);
  context.clip();
  compose(context, result, scale, px);
  context.restore();
}

/** Makes a picture of the photo's size from the result. */
export function resultCanvas(result: Result): OffscreenCanvas {
  const { width, height } = result.photo;
  const canvas = new OffscreenCanvas(width, height);
  compose(canvas.getContext('2d')!, result, 1, 1);
  return canvas;
}

function compose(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  { photo, cutOut, state }: Result,
  scale: number,
  px: number,
): void {
  drawBackdrop(context, state.backdrop, photo, px);
  const [left, top] = cutOut.box;
  context.translate(left + state.offset.x, top + state.offset.y);
  cutOut.pyramid.draw(context, scale, [0, 0, cutOut.canvas.width, cutOut.canvas.height]);
}
