// This file finds the pieces of a mask: pixels that are joined by their sides. It joins the spans
// of neighbouring columns.
import type { Rle } from '../common/types.js';
import {
  addSpan,
  columnSpans,
  encodeSpans,
  invertSpans,
  type MaskOrRle,
  type Spans,
  spansOf,
} from './spans.js';

/** This option says which holes are filled. */
export interface HoleOptions {
  /** The largest hole that is filled, in pixels. Default: all holes are filled. */
  largest?: number | undefined;
}

/** This option says which islands are dropped. */
export interface IslandOptions {
  /** The smallest island that stays, in pixels. Default: only the largest island stays. */
  smallest?: number | undefined;
}

/**
 * Fills the mask's holes, which are pieces of the background that do not touch a border of the
 * photo. Pixels are one piece if they are joined by their sides, as in `maskToPolygons`. A gap that
 * touches the outside only at a corner is a hole.
 *
 * @throws {TypeError} if `largest` is negative or not a number.
 * @throws {SegmenterError} the errors of `decodeRle`.
 */
export function fillHoles(mask: MaskOrRle, { largest = Infinity }: HoleOptions = {}): Rle {
  checkCount('largest', largest);
  const spans = spansOf(mask);
  const background = invertSpans(spans);
  return encodeSpans(
    invertSpans(keepPieces(background, ({ area, isAtBorder }) => isAtBorder || area > largest)),
  );
}

/**
 * Removes the mask's small islands. Pixels are one island if they are joined by their sides, as in
 * `maskToPolygons`. If several islands are equally large, the one furthest to the left counts as
 * the largest.
 *
 * @throws {TypeError} if `smallest` is negative or not a number.
 * @throws {SegmenterError} the errors of `decodeRle`.
 */
export function dropIslands(mask: MaskOrRle, { smallest }: IslandOptions = {}): Rle {
  if (smallest !== undefined) checkCount('smallest', smallest);
  return encodeSpans(
    keepPieces(spansOf(mask), (piece, largest) =>
      smallest === undefined ? piece === largest : piece.area >= smallest,
    ),
  );
}

function checkCount(name: string, count: number): void {
  if (!(count >= 0))
    throw new TypeError(`${name} must be a number of pixels from 0 on, not ${count}.`);
}

interface Piece {
  area: number;
  isAtBorder: boolean;
}

/**
 * Keeps the spans of the pieces for which `isWanted` is true. It gets each piece and the largest
 * one.
 */
function keepPieces(spans: Spans, isWanted: (piece: Piece, largest: Piece) => boolean): Spans {
  const [height, width] = spans.size;
  const { x, top, bottom } = columnSpans(spans);
  const roots = joinSpans(x, top, bottom);
  const pieces = new Map<number, Piece>();
  roots.forEach((root, i) => {
    const piece = pieces.get(root) ?? { area: 0, isAtBorder: false };
    piece.area += bottom[i]! - top[i]!;
    piece.isAtBorder ||= x[i] === 0 || x[i] === width - 1 || top[i] === 0 || bottom[i] === height;
    pieces.set(root, piece);
  });
  let largest: Piece = { area: 0, isAtBorder: false };
  for (const piece of pieces.values()) if (piece.area > largest.area) largest = piece;
  const wanted = new Set(
    [...pieces].filter(([, piece]) => isWanted(piece, largest)).map(([root]) => root),
  );
  const ends: number[] = [];
  roots.forEach((root, i) => {
    if (wanted.has(root)) addSpan(ends, x[i]! * height + top[i]!, x[i]! * height + bottom[i]!);
  });
  return { size: spans.size, ends };
}

/** Gives for each span the first span of its piece. */
function joinSpans(x: Int32Array, top: Int32Array, bottom: Int32Array): Int32Array {
  const parents = Int32Array.from(x, (_, i) => i);
  const rootOf = (i: number): number => {
    while (parents[i] !== i) i = parents[i] = parents[parents[i]!]!;
    return i;
  };
  // `j` follows `i`, in the column to the left.
  for (let i = 0, j = 0; i < x.length; i++) {
    while (x[j]! < x[i]! - 1 || (x[j] === x[i]! - 1 && bottom[j]! <= top[i]!)) j++;
    for (let k = j; x[k] === x[i]! - 1 && top[k]! < bottom[i]!; k++) {
      const [a, b] = [rootOf(i), rootOf(k)];
      parents[Math.max(a, b)] = Math.min(a, b);
    }
  }
  return parents.map((_, i) => rootOf(i));
}
