import type { CocoRle } from '../common/types.js';
import { forEachColumnRun, rleBox } from './rle.js';

/**
 * A rectangle of the photo, in pixels, with a value for each of its pixels, row by row from the top
 * left.
 */
export interface Crop<Values = Uint8Array<ArrayBuffer>> {
  left: number;
  top: number;
  width: number;
  height: number;
  /** For a mask, 1 is inside and 0 is outside. */
  pixels: Values;
}

/**
 * Cuts out the mask's bounding box with `margin` pixels around it, as far as the photo goes. An
 * empty mask has no pixels.
 */
export function cropMask(rle: CocoRle, margin = 0): Crop {
  const [x, y, boxWidth, boxHeight] = rleBox(rle);
  if (boxWidth === 0) return { left: 0, top: 0, width: 0, height: 0, pixels: new Uint8Array() };
  const left = Math.max(0, x - margin);
  const top = Math.max(0, y - margin);
  const width = Math.min(rle.size[1], x + boxWidth + margin) - left;
  const height = Math.min(rle.size[0], y + boxHeight + margin) - top;
  const pixels = new Uint8Array(width * height);
  forEachColumnRun(rle, (column, from, to) => {
    for (let row = from; row < to; row++) pixels[(row - top) * width + column - left] = 1;
  });
  return { left, top, width, height, pixels };
}
