// COCO's run-length codes. Runs are lengths in pixels down the columns, background and foreground
// in turn, background first. Compressed, each run from the third on less the one two before is
// written in groups of 5 bits, low first, as characters from '0' on; bit 6 says that more follow.
import { SegmenterError } from '../common/errors.js';
import type { CocoRle, Rle } from '../common/types.js';

/**
 * The largest mask that is read. No photo that a segmenter takes has more pixels, and a code of a
 * few bytes must not be able to ask for gigabytes.
 */
export const MAX_PIXELS = 100e6;

/** A code's size, once it is known to be one. */
export function sizeOf(rle: Pick<CocoRle, 'size'>): [height: number, width: number] {
  const size: unknown = (rle as Partial<CocoRle> | null | undefined)?.size;
  if (
    !Array.isArray(size) ||
    size.length !== 2 ||
    !size.every((side) => Number.isInteger(side) && side >= 0)
  ) {
    throw invalid(
      'The mask has no size [height, width] in whole pixels. Pass a run-length code as COCO has them.',
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
 * The same for sides that a caller gives, which are a `TypeError` if they are no whole numbers of
 * pixels.
 */
export function sizeOfPhoto(width: number, height: number): [height: number, width: number] {
  if (![width, height].every((side) => Number.isInteger(side) && side >= 0)) {
    throw new TypeError(
      `width and height must be whole numbers of pixels, not ${width} and ${height}.`,
    );
  }
  return sizeOf({ size: [height, width] });
}

/** Two masks that belong together have one size. */
export function checkSameSize(size: CocoRle['size'], other: CocoRle['size']): void {
  if (size[0] === other[0] && size[1] === other[1]) return;
  const [expected, found] = [size, other].map(([height, width]) => `${width} x ${height}`);
  throw new SegmenterError(
    'size-mismatch',
    `A mask has ${found} pixels, not ${expected}. Take masks of one photo.`,
  );
}

/** Run lengths, which fill the mask. Some may be 0. */
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

/** The compressed code of runs. Those of length 0 are left out, but for the first. */
export function encodeRuns(
  runs: readonly number[],
  [height, width]: readonly [height: number, width: number],
): Rle {
  const merged: number[] = [];
  // A run of length 0 makes one run of the two beside it.
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
