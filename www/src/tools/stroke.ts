// A stroke of a brush or of the lasso, while it is drawn.
import { encodeRle, type Rle } from 'aims-web';
import type { Point, Size } from '../view/camera.js';
import type { Pen } from '../view/overlay.js';
import type { At } from './tool.js';

export class Stroke {
  readonly points: At[];

  constructor(start: At) {
    this.points = [start];
  }

  /** Adds a point, unless the pointer has moved by less than two CSS pixels. */
  add(at: At): void {
    const { screen } = this.points.at(-1)!;
    if (Math.hypot(at.screen.x - screen.x, at.screen.y - screen.y) >= 2) this.points.push(at);
  }

  /** Gives the points as prompts have them. */
  get path(): [number, number][] {
    return this.points.map(({ x, y }) => [x, y]);
  }
}

function pathThrough(points: readonly Point[]): Path2D {
  const path = new Path2D();
  for (const { x, y } of points) path.lineTo(x, y);
  // A line of a single point is not drawn without this.
  if (points.length === 1) path.lineTo(points[0]!.x + 0.01, points[0]!.y);
  return path;
}

/** Draws a stroke as wide as the brush. Without a width, it is a thin line that can be seen. */
export function drawStroke({ context, px }: Pen, points: readonly Point[], width?: number): void {
  const path = pathThrough(points);
  context.lineCap = context.lineJoin = 'round';
  if (width !== undefined) {
    context.lineWidth = width;
    context.strokeStyle = 'rgb(110 108 255 / 0.5)';
    context.stroke(path);
    return;
  }
  for (const [style, thick] of [
    ['rgb(0 0 0 / 0.6)', 3.5],
    ['#fff', 1.5],
  ] as const) {
    context.strokeStyle = style;
    context.lineWidth = thick * px;
    context.stroke(path);
  }
}

/** Draws the outline of a brush at the pointer. */
export function drawBrush({ context, px }: Pen, { x, y }: Point, width: number): void {
  for (const [style, thick] of [
    ['rgb(0 0 0 / 0.6)', 3],
    ['#fff', 1.5],
  ] as const) {
    context.beginPath();
    context.arc(x, y, width / 2, 0, 2 * Math.PI);
    context.strokeStyle = style;
    context.lineWidth = thick * px;
    context.stroke();
  }
}

/** Paints strokes as a mask of the photo's size, from black to opaque. */
export function paintStrokes(
  strokes: readonly { points: readonly Point[]; radius: number }[],
  { width, height }: Size,
): ImageData {
  const context = new OffscreenCanvas(width, height).getContext('2d', {
    willReadFrequently: true,
  })!;
  context.lineCap = context.lineJoin = 'round';
  for (const { points, radius } of strokes) {
    context.lineWidth = 2 * radius;
    context.stroke(pathThrough(points));
  }
  return context.getImageData(0, 0, width, height);
}

/** Gives the pixels that a stroke covers at least by half. */
export function strokeToRle(points: readonly Point[], radius: number, size: Size): Rle {
  const { data } = paintStrokes([{ points, radius }], size);
  const inside = new Uint8Array(size.width * size.height);
  for (let i = 0; i < inside.length; i++) inside[i] = data[4 * i + 3]! >= 128 ? 1 : 0;
  return encodeRle(inside, size.width, size.height);
}
