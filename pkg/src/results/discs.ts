// This file finds what lies within a distance of a mask's pixels. Spans of nearby columns reach up
// and down into each column of pixels.
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

/**
 * Adds all pixels within a distance of the mask, measured from centre to centre, so that the mask
 * grows by an exact disc. Fractions of pixels count.
 *
 * @throws {TypeError} if `pixels` is negative or not finite.
 * @throws {SegmenterError} the errors of `decodeRle`.
 */
export function growMask(mask: MaskOrRle, pixels: number): Rle {
  checkDistance('pixels', pixels);
  return encodeSpans(grow(spansOf(mask), pixels));
}

/**
 * Removes all pixels within a distance of the background, measured from centre to centre. The mask
 * is taken to go on beyond the borders of the photo, so it does not shrink from there.
 *
 * @throws {TypeError} if `pixels` is negative or not finite.
 * @throws {SegmenterError} the errors of `decodeRle`.
 */
export function shrinkMask(mask: MaskOrRle, pixels: number): Rle {
  checkDistance('pixels', pixels);
  return encodeSpans(invertSpans(grow(invertSpans(spansOf(mask)), pixels)));
}

/**
 * Smooths the mask's edge. Every pixel becomes what most pixels of the photo within the radius are,
 * measured from centre to centre. If the numbers are equal, the pixel stays as it is. Whiskers,
 * cracks and specks that are narrower than the radius disappear, and corners become round.
 *
 * @throws {TypeError} if the radius is negative or not finite.
 * @throws {SegmenterError} the errors of `decodeRle`.
 */
export function smoothMask(mask: MaskOrRle, radius: number): Rle {
  checkDistance('radius', radius);
  return encodeSpans(vote(spansOf(mask), radius));
}

function checkDistance(name: string, distance: number): void {
  if (!(distance >= 0 && distance < Infinity))
    throw new TypeError(`${name} must be a number of pixels from 0 on, not ${distance}.`);
}

/**
 * Gives how far a disc reaches up and down in each of its columns, from the centre column on, as
 * far as the photo goes.
 */
function reaches(radius: number, [height, width]: Spans['size']): number[] {
  const reach: number[] = [];
  for (let dx = 0; dx === 0 || (dx <= radius && dx < width); dx++) {
    let dy = Math.min(height, Math.ceil(Math.sqrt(radius * radius - dx * dx)));
    while (dx * dx + dy * dy > radius * radius) dy--;
    reach.push(dy);
  }
  return reach;
}

type Use = (top: number, bottom: number, reach: number) => void;
type Visit = (x: number, reach: readonly number[], near: (use: Use) => void) => void;

/**
 * Calls back for each column of the photo, with the disc's reaches and with the spans of nearby
 * columns and how far these reach.
 */
function forEachColumn(spans: Spans, radius: number, visit: Visit): void {
  const width = spans.size[1];
  const { x: columns, top, bottom } = columnSpans(spans);
  const reach = reaches(radius, spans.size);
  const last = reach.length - 1;
  // The spans from `from` up to `to` are those of nearby columns.
  for (let x = 0, from = 0, to = 0; x < width; x++) {
    while (from < columns.length && columns[from]! < x - last) from++;
    while (to < columns.length && columns[to]! <= x + last) to++;
    visit(x, reach, (use) => {
      for (let i = from; i < to; i++) use(top[i]!, bottom[i]!, reach[Math.abs(columns[i]! - x)]!);
    });
  }
}

function grow(spans: Spans, radius: number): Spans {
  const height = spans.size[0];
  const ends: number[] = [];
  // For each row, the end of the longest span that begins there.
  const until = new Int32Array(height);
  forEachColumn(spans, radius, (x, _, near) => {
    until.fill(0);
    near((top, bottom, reach) => {
      const start = Math.max(0, top - reach);
      until[start] = Math.max(until[start]!, Math.min(height, bottom + reach));
    });
    for (let y = 0; y < height; ) {
      const start = y;
      for (let end = until[y]!; y < end; y++) end = Math.max(end, until[y]!);
      if (y > start) addSpan(ends, x * height + start, x * height + y);
      else y++;
    }
  });
  return { size: spans.size, ends };
}

/** Each pixel of the mask votes for it, and each other pixel of the photo votes against it. */
function vote(spans: Spans, radius: number): Spans {
  const [height, width] = spans.size;
  const most = reaches(radius, spans.size)[0]!;
  // The number of votes that a pixel gets from one column rises and falls evenly along the pixel's
  // own column. `bends` has the changes of that slope from row to row. It begins so far above the
  // photo that no vote has been counted yet.
  const bends = new Int32Array(height + 2 * most + 2);
  const count = (votes: number, top: number, bottom: number, reach: number): void => {
    bends[most + top - reach]! += votes;
    bends[most + bottom - reach]! -= votes;
    bends[most + top + reach + 1]! -= votes;
    bends[most + bottom + reach + 1]! += votes;
  };
  const ends: number[] = [];
  let passed = 0;
  forEachColumn(spans, radius, (x, reach, near) => {
    bends.fill(0);
    for (
      let column = Math.max(0, x - reach.length + 1);
      column < Math.min(width, x + reach.length);
      column++
    ) {
      count(-1, 0, height, reach[Math.abs(column - x)]!);
    }
    near((top, bottom, far) => count(2, top, bottom, far));
    let [slope, sum] = [0, 0];
    for (let y = -most; y < height; y++) {
      slope += bends[most + y]!;
      sum += slope;
      if (y < 0) continue;
      const place = x * height + y;
      while (spans.ends[passed]! <= place) passed++;
      if (sum > 0 || (sum === 0 && passed % 2 === 1)) addSpan(ends, place, place + 1);
    }
  });
  return { size: spans.size, ends };
}
