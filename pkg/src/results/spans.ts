// This file represents masks as spans: the positions where the foreground begins and ends in turn.
// Pixels are counted down the columns, as in run-length encodings.
import type { CocoRle, Rle } from '../common/types.js';
import type { HasRle } from './rle.js';
import { decodeRuns, encodeRuns, sizeOf } from './runs.js';

/** What helpers that make masks read: a mask or only its encoding. */
export type MaskOrRle = HasRle | CocoRle;

export interface Spans {
  size: [height: number, width: number];
  /** The positions, ascending: start, end (exclusive), start, end, ... */
  ends: number[];
}

/** @throws {SegmenterError} the errors of `decodeRle`. */
export function spansOf(mask: MaskOrRle): Spans {
  const code = typeof mask === 'object' && mask !== null && 'rle' in mask ? mask.rle : mask;
  const size = sizeOf(code);
  const ends: number[] = [];
  let place = 0;
  decodeRuns(code).forEach((run, index) => {
    if (index % 2 === 1 && run > 0) addSpan(ends, place, place + run);
    place += run;
  });
  return { size, ends };
}

/** Adds a span that begins no earlier than the last one ends. */
export function addSpan(ends: number[], start: number, end: number): void {
  if (ends.length > 0 && ends.at(-1) === start) ends[ends.length - 1] = end;
  else ends.push(start, end);
}

export function encodeSpans({ size, ends }: Spans): Rle {
  const last = ends.at(-1) ?? 0;
  const runs = ends.map((end, index) => end - (ends[index - 1] ?? 0));
  if (size[0] * size[1] > last) runs.push(size[0] * size[1] - last);
  return encodeRuns(runs, size);
}

/** Gives the spans of what is not in the mask. */
export function invertSpans({ size, ends }: Spans): Spans {
  const total = size[0] * size[1];
  const inverse: number[] = [];
  for (let i = 0; i <= ends.length; i += 2) {
    const [start, end] = [ends[i - 1] ?? 0, ends[i] ?? total];
    if (start < end) inverse.push(start, end);
  }
  return { size, ends: inverse };
}

/**
 * Splits the spans at the ends of columns: column x, from row `top` to row `bottom` (exclusive),
 * one span after the other.
 */
export function columnSpans({ size: [height], ends }: Spans): {
  x: Int32Array;
  top: Int32Array;
  bottom: Int32Array;
} {
  const found: number[] = [];
  for (let i = 0; i < ends.length; i += 2) {
    for (let at = ends[i]!; at < ends[i + 1]!; ) {
      const x = Math.floor(at / height);
      const end = Math.min(ends[i + 1]!, (x + 1) * height);
      found.push(x, at - x * height, end - x * height);
      at = end;
    }
  }
  const every = (offset: number): Int32Array =>
    Int32Array.from({ length: found.length / 3 }, (_, i) => found[3 * i + offset]!);
  return { x: every(0), top: every(1), bottom: every(2) };
}
