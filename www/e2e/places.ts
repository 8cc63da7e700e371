// Finds places in a photo.
import { decodeRle, type HasRle } from 'aims-web';
import type { Point } from './demo.js';

/**
 * Gives the middle of the largest square of pixels that are not 0, and half its side. Only squares
 * around every eighth pixel are tried.
 */
export function deepest(
  pixels: Uint8Array,
  [height, width]: readonly [number, number],
): { place: Point; reach: number } {
  const isInside = (x: number, y: number, reach: number) => {
    if (x < reach || y < reach || x + reach >= width || y + reach >= height) return false;
    for (let row = y - reach; row <= y + reach; row++)
      if (pixels.subarray(row * width + x - reach, row * width + x + reach + 1).includes(0))
        return false;
    return true;
  };
  let best: { place: Point; reach: number } = { place: [0, 0], reach: 0 };
  for (let y = 0; y < height; y += 8) {
    for (let x = 0; x < width; x += 8)
      while (isInside(x, y, best.reach + 1)) best = { place: [x, y], reach: best.reach + 1 };
  }
  return best;
}

/** Gives a place that is well inside a mask. */
export const insideOf = ({ rle }: HasRle): Point => deepest(decodeRle(rle), rle.size).place;

export const covers = ({ rle }: HasRle, [x, y]: Point): boolean =>
  decodeRle(rle)[y * rle.size[1] + x] === 1;
