// COCO's compressed run-length encoding: runs of pixels down the columns, background first. Each run length, from the
// third on less the one two before, is written in groups of 5 bits, low first, as characters from '0' on; bit 6 says
// that more follow.
import { SegmenterError } from '../errors.js';
import type { Box, Mask, Rle } from '../types.js';

/** What helpers for one mask read of it. */
export type HasRle = Pick<Mask, 'rle'>;

/** Run lengths in pixels, background and foreground in turn. Throws 'size-mismatch' if they do not fill the mask. */
export function decodeRuns({ size: [height, width], counts }: Rle): number[] {
  const runs: number[] = [];
  let total = 0;
  for (let at = 0; at < counts.length; ) {
    let value = 0;
    let shift = 0;
    let group: number;
    do {
      group = counts.charCodeAt(at++) - 48;
      // Not so for text of another kind (NaN at its end included), nor for lengths no image has.
      if (!(group >= 0 && group < 64 && shift < 35)) throw malformed();
      value |= (group & 31) << shift;
      shift += 5;
    } while (group & 32);
    // Bit 5 of the last group is the sign.
    if (group & 16 && shift < 32) value |= -1 << shift;
    const run = value + (runs.length > 2 ? runs[runs.length - 2]! : 0);
    if (run < 0) throw malformed();
    runs.push(run);
    total += run;
  }
  if (total !== height * width) {
    throw new SegmenterError('size-mismatch', `The mask's runs cover ${total} pixels but its size is ${width} x ${height}.`);
  }
  return runs;
}

const malformed = (): SegmenterError => new SegmenterError('invalid-prompt', 'The mask is not in COCO compressed run-length encoding.');

/** Pixels by row from the top left, 1 inside and 0 outside; width * height values. */
export function decodeRle(rle: Rle): Uint8Array<ArrayBuffer> {
  const [height, width] = rle.size;
  const pixels = new Uint8Array(width * height);
  forEachColumnRun(rle, (x, top, bottom) => {
    for (let y = top; y < bottom; y++) pixels[y * width + x] = 1;
  });
  return pixels;
}

/** Calls back with each vertical piece of foreground: column x, rows top to bottom (exclusive). */
export function forEachColumnRun(rle: Rle, visit: (x: number, top: number, bottom: number) => void): void {
  const height = rle.size[0];
  let start = 0;
  decodeRuns(rle).forEach((run, index) => {
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

/** Pixels inside. */
export function rleArea(rle: Rle): number {
  return decodeRuns(rle).reduce((area, run, index) => (index % 2 === 1 ? area + run : area), 0);
}

/** The smallest box around the pixels inside, in pixels; [0, 0, 0, 0] for an empty mask, as pycocotools has it. */
export function rleBox(rle: Rle): Box {
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
  forEachColumnRun(rle, (x, from, to) => {
    left = Math.min(left, x);
    right = Math.max(right, x + 1);
    top = Math.min(top, from);
    bottom = Math.max(bottom, to);
  });
  return right === 0 ? [0, 0, 0, 0] : [left, top, right - left, bottom - top];
}

/** The inverse of decodeRle: any value but 0 is inside. */
export function encodeRle(pixels: ArrayLike<number>, width: number, height: number): Rle {
  if (pixels.length !== width * height) {
    throw new SegmenterError('size-mismatch', `${pixels.length} pixels do not make a mask of ${width} x ${height}.`);
  }
  const runs: number[] = [];
  let inside = false;
  let run = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if ((pixels[y * width + x] !== 0) !== inside) {
        runs.push(run);
        run = 0;
        inside = !inside;
      }
      run++;
    }
  }
  if (run > 0) runs.push(run);
  const counts = runs.map((value, index) => encodeNumber(value - (index > 2 ? runs[index - 2]! : 0))).join('');
  return { size: [height, width], counts };
}

function encodeNumber(value: number): string {
  let text = '';
  for (let more = true; more; ) {
    const group = value & 31;
    value >>= 5;
    more = value !== (group & 16 ? -1 : 0);
    text += String.fromCharCode(48 + group + (more ? 32 : 0));
  }
  return text;
}
