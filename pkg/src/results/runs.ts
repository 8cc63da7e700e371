// This file reads and writes COCO's run-length encodings. Runs are lengths in pixels down the
// columns. Background and foreground alternate, and background is first. In the compressed form,
// each run from the third on is written as its difference from the run two before. It is written in
// groups of 5 bits, low bits first, as characters from '0' on. Bit 6 says that more groups follow.
import { SegmenterError } from '../common/errors.js';
import type { CocoRle, Rle } from '../common/types.js';

/**
 * The largest mask that is read, in pixels. No photo that a segmenter takes has more, and an
 * encoding of a few bytes must not be able to ask for gigabytes.
 */
export const MAX_PIXELS = 100e6;

/** Gives the size of an encoding after checking that it is one. */
export function sizeOf(rle: Pick<CocoRle, 'size'>): [height: number, width: number] {
  const size: unknown = (rle as Partial<CocoRle> | null | undefined)?.size;
  if (
    !Array.isArray(size) ||
    size.length !== 2 ||
    !size.every((side) => Number.isInteger(side) && side >= 0)
  ) {
    throw invalid(
      "The mask has no size [height, width] in whole pixels. Pass a mask in COCO's run-length encoding.",
    );
  }
  const [height, width] = size as [number, number];
  if (height * width > MAX_PIXELS) {
    throw invalid(
      `A mask of ${width} x ${height} pixels is too large; the limit is ${MAX_PIXELS / 1e6} megapixels. Scale it down.`,
    );
  }
  return [height, width];
}

/**
 * Does the same for sides that a caller gives. It throws a `TypeError` if they are not whole
 * numbers of pixels.
 */
export function sizeOfPhoto(width: number, height: number): [height: number, width: number] {
  if (![width, height].every((side) => Number.isInteger(side) && side >= 0)) {
    throw new TypeError(
      `width and height must be whole numbers of pixels, not ${width} and ${height}.`,
    );
  }
  return sizeOf({ size: [height, width] });
}

/** Throws if two masks that are used together differ in size. */
export function checkSameSize(size: CocoRle['size'], other: CocoRle['size']): void {
  if (size[0] === other[0] && size[1] === other[1]) return;
  const [expected, found] = [size, other].map(([height, width]) => `${width} x ${height}`);
  throw new SegmenterError(
    'size-mismatch',
    `A mask has ${found} pixels, not ${expected}. Pass masks of the same photo.`,
  );
}

/** Gives the run lengths, which fill the mask. Some may be 0. */
export function decodeRuns(rle: CocoRle): number[] {
  const [height, width] = sizeOf(rle);
  const runs = typeof rle.counts === 'string' ? readText(rle.counts) : readList(rle.counts);
  const total = runs.reduce((sum, run) => sum + run, 0);
  if (total !== height * width) {
    throw new SegmenterError(
      'size-mismatch',
      `The mask's runs cover ${total} pixels but its size is ${width} x ${height}.`,
    );
  }
  return runs;
}

/** Compresses runs. Runs of length 0 are left out, except for the first. */
export function encodeRuns(
  runs: readonly number[],
  [height, width]: readonly [height: number, width: number],
): Rle {
  const merged: number[] = [];
  // A run of length 0 joins the two runs next to it.
  let joins = false;
  for (const run of runs) {
    if (run === 0 && merged.length > 0) joins = !joins;
    else if (joins) {
      merged[merged.length - 1]! += run;
      joins = false;
    } else merged.push(run);
  }
  const counts = merged
    .map((run, index) => encodeNumber(run - (index > 2 ? merged[index - 2]! : 0)))
    .join('');
  return { size: [height, width], counts };
}

const invalid = (message: string): SegmenterError => new SegmenterError('invalid-prompt', message);

const malformed = (): SegmenterError =>
  invalid(
    "The mask is not in COCO's run-length encoding, neither compressed (text) nor uncompressed (an array of run lengths).",
  );

function readList(counts: unknown): number[] {
  if (!Array.isArray(counts)) throw malformed();
  // Unlike `every`, this also sees the gaps of a sparse array.
  for (const run of counts) if (!Number.isInteger(run) || run < 0) throw malformed();
  return counts;
}

function readText(counts: string): number[] {
  const runs: number[] = [];
  for (let at = 0; at < counts.length; ) {
    let value = 0;
    let shift = 0;
    let group: number;
    do {
      group = counts.charCodeAt(at++) - 48;
      // This fails for any other text (NaN at its end included) and for lengths that no photo has.
      if (!(group >= 0 && group < 64 && shift < 35)) throw malformed();
      value |= (group & 31) << shift;
      shift += 5;
    } while (group & 32);
    // Bit 5 of the last group is the sign.
    if (group & 16 && shift < 32) value |= -1 << shift;
    const run = value + (runs.length > 2 ? runs[runs.length - 2]! : 0);
    if (run < 0) throw malformed();
    runs.push(run);
  }
  return runs;
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
