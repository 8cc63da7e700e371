// These functions convert masks between run-length encodings and pixels.
import { SegmenterError } from '../common/errors.js';
import type { Box, CocoRle, Rle } from '../common/types.js';
import { decodeRuns, encodeRuns, sizeOfPhoto } from './runs.js';

/** What helpers for one mask read: only its encoding. */
export interface HasRle {
  rle: CocoRle;
}

/**
 * Gives the mask's pixels row by row from the top left: width * height values, which are 1 inside
 * and 0 outside.
 *
 * @throws {SegmenterError} 'invalid-prompt' if it is not a run-length encoding or has more than 100
 * megapixels, 'size-mismatch' if its runs do not fill its size.
 */
export function decodeRle(rle: CocoRle): Uint8Array<ArrayBuffer> {
  const runs = decodeRuns(rle);
  const [height, width] = rle.size;
  const pixels = new Uint8Array(width * height);
  eachColumnRun(runs, height, (x, top, bottom) => {
    for (let y = top; y < bottom; y++) pixels[y * width + x] = 1;
  });
  return pixels;
}

/**
 * Calls back with each vertical piece of foreground: column x, from row `top` to row `bottom`
 * (exclusive).
 */
export function forEachColumnRun(
  rle: CocoRle,
  visit: (x: number, top: number, bottom: number) => void,
): void {
  eachColumnRun(decodeRuns(rle), rle.size[0], visit);
}

function eachColumnRun(
  runs: readonly number[],
  height: number,
  visit: (x: number, top: number, bottom: number) => void,
): void {
  let start = 0;
  runs.forEach((run, index) => {
    const end = start + run;
    if (index % 2 === 1) {
      for (let at = start; at < end; ) {
        const x = Math.floor(at / height);
        const top = at - x * height;
        const bottom = Math.min(height, top + end - at);
        visit(x, top, bottom);
        at += bottom - top;
      }
    }
    start = end;
  });
}

/**
 * Counts the pixels inside the mask.
 *
 * @throws {SegmenterError} the errors of `decodeRle`.
 */
export function rleArea(rle: CocoRle): number {
  return decodeRuns(rle).reduce((area, run, index) => (index % 2 === 1 ? area + run : area), 0);
}

/**
 * Gives the smallest box around the pixels inside the mask. For an empty mask it is [0, 0, 0, 0],
 * as in pycocotools.
 *
 * @throws {SegmenterError} the errors of `decodeRle`.
 */
export function rleBox(rle: CocoRle): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
  forEachColumnRun(rle, (x, from, to) => {
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, from);
    bottom = Math.max(bottom, to);
  });
  return right === 0 ? [0, 0, 0, 0] : [left, top, right - left, bottom - top];
}

/**
 * Does the inverse of `decodeRle`. Pixels are one flat list, row by row from the top left. Every
 * value except 0 and false is inside.
 *
 * @throws {TypeError} if the pixels are not a flat list of numbers or booleans, or a side is not a
 * whole number of pixels.
 * @throws {SegmenterError} 'size-mismatch' if there are not width * height pixels, 'invalid-prompt'
 * if there are more than 100 megapixels.
 */
export function encodeRle(pixels: ArrayLike<number | boolean>, width: number, height: number): Rle {
  checkPixels(pixels);
  const size = sizeOfPhoto(width, height);
  if (pixels.length !== width * height) {
    throw new SegmenterError(
      'size-mismatch',
      `${pixels.length} pixels do not make a mask of ${width} x ${height}.`,
    );
  }
  const runs: number[] = [];
  let inside = false;
  let run = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const pixel = pixels[y * width + x];
      if ((pixel !== 0 && pixel !== false) !== inside) {
        runs.push(run);
        run = 0;
        inside = !inside;
      }
      run++;
    }
  }
  if (run > 0) runs.push(run);
  return encodeRuns(runs, size);
}

function checkPixels(pixels: unknown): asserts pixels is ArrayLike<number | boolean> {
  if (
    typeof pixels === 'object' &&
    pixels !== null &&
    'length' in pixels &&
    isFlat(pixels as ArrayLike<unknown>)
  )
    return;
  throw new TypeError(
    'Pixels must be one flat list of numbers or booleans, row by row: an array or a typed array.',
  );
}

function isFlat(list: ArrayLike<unknown>): boolean {
  // Typed arrays hold values of one kind.
  const count = ArrayBuffer.isView(list) ? Math.min(1, list.length) : list.length;
  for (let i = 0; i < count; i++)
    if (typeof list[i] !== 'number' && typeof list[i] !== 'boolean') return false;
  return true;
}
