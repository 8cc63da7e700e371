import type { Alpha } from '../common/matte.js';
import type { CocoRle } from '../common/types.js';
import { type Crop, cropMask } from './crop.js';
import { forEachDistanceRow } from './distance.js';
import type { HasRle } from './rle.js';

/**
 * These options say how a mask's edge is treated. The distance of a pixel to the edge is the
 * distance from its centre to the centre of the nearest pixel on the other side, less the half
 * pixel between that centre and the edge. The mask is taken to go on beyond the borders of the
 * photo, so where it touches a border it is neither softened nor moved.
 */
export interface EdgeOptions {
  /**
   * The edge becomes a linear ramp of this many pixels from transparent to opaque, half of it on
   * each side of the edge. Default 0, which is a hard edge.
   */
  feather?: number | undefined;
  /**
   * The edge first moves by this many pixels, outwards if positive, inwards if negative. Default 0.
   */
  shiftEdge?: number | undefined;
}

/**
 * Makes an alpha channel of the photo's size from a mask, with its edge moved and softened. The
 * time is proportional to the box around what is not transparent.
 *
 * @throws {TypeError} if `feather` is negative or either number is not finite.
 */
export function maskToAlpha({ rle }: HasRle, options: EdgeOptions = {}): Alpha {
  const crop = cropAlpha(rle, options);
  const [height, width] = rle.size;
  const data = new Uint8ClampedArray(width * height);
  for (let y = 0; y < crop.height; y++) {
    data.set(
      crop.pixels.subarray(y * crop.width, (y + 1) * crop.width),
      (crop.top + y) * width + crop.left,
    );
  }
  return { data, width, height };
}

/** Makes the alpha in the bounding box of everything that is not transparent. */
export function cropAlpha(
  rle: CocoRle,
  { feather = 0, shiftEdge = 0 }: EdgeOptions,
): Crop<Uint8ClampedArray<ArrayBuffer>> {
  if (!(feather >= 0 && feather < Infinity))
    throw new TypeError(`feather must be a number of pixels from 0 on, not ${feather}.`);
  if (!Number.isFinite(shiftEdge))
    throw new TypeError(`shiftEdge must be a number of pixels, not ${shiftEdge}.`);
  // The distance to the edge is positive inside. A pixel right on a hard edge belongs to the mask.
  const alphaAt = (distance: number): number => {
    const inside = distance + shiftEdge;
    if (feather === 0) return inside >= 0 ? 255 : 0;
    return 255 * Math.min(1, Math.max(0, 0.5 + inside / feather));
  };
  // The margin is at least one pixel, because distances inside the mask are measured to the
  // background next to it.
  const mask = cropMask(rle, Math.max(1, Math.ceil(shiftEdge + feather / 2 + 0.5)));
  const { width, height, pixels } = mask;
  const alpha = new Uint8ClampedArray(pixels.length);
  for (let i = 0; i < pixels.length; i++) alpha[i] = pixels[i]! * 255;
  const fill = (side: 0 | 1, sign: 1 | -1): void =>
    forEachDistanceRow(pixels, width, height, side === 1 ? 0 : 1, (y, squared) => {
      for (let x = 0, i = y * width; x < width; x++, i++) {
        if (pixels[i] === side) alpha[i] = alphaAt(sign * (Math.sqrt(squared[x]!) - 0.5));
      }
    });
  // No pixel is closer to the edge than half a pixel.
  if (alphaAt(0.5) < 255) fill(1, 1);
  if (alphaAt(-0.5) > 0) fill(0, -1);
  return trim({ ...mask, pixels: alpha });
}

/** Cuts off transparent borders. */
export function trim({
  left,
  top,
  width,
  height,
  pixels,
}: Crop<Uint8ClampedArray<ArrayBuffer>>): Crop<Uint8ClampedArray<ArrayBuffer>> {
  const rows: Uint8ClampedArray[] = [];
  for (let y = 0; y < height; y++) rows.push(pixels.subarray(y * width, (y + 1) * width));
  const visible = (alpha: number): boolean => alpha > 0;
  const firstRow = rows.findIndex((row) => row.some(visible));
  if (firstRow < 0)
    return { left: 0, top: 0, width: 0, height: 0, pixels: new Uint8ClampedArray() };
  while (!rows.at(-1)!.some(visible)) rows.pop();
  rows.splice(0, firstRow);
  let from = 0;
  while (rows.every((row) => row[from] === 0)) from++;
  let to = width;
  while (rows.every((row) => row[to - 1] === 0)) to--;
  const trimmed = new Uint8ClampedArray((to - from) * rows.length);
  rows.forEach((row, y) => trimmed.set(row.subarray(from, to), y * (to - from)));
  return {
    left: left + from,
    top: top + firstRow,
    width: to - from,
    height: rows.length,
    pixels: trimmed,
  };
}
