// This file turns polygons of COCO's files into masks, pixel for pixel as pycocotools fills them.
// Corners are rounded to a grid five times as fine as the photo's pixels, and edges are stepped
// along that grid by their longer side. The middle of a column of pixels lies between two columns
// of the fine grid. If an edge passes it, all pixels of the column from the next middle of a row on
// are inverted.
import { addSpan, type Spans } from './spans.js';

const SCALE = 5;
/** Among the fine columns of a column of pixels, this is the one before the middle. */
const MIDDLE = 2;

/** Fills a ring of corners x0, y0, x1, y1, ... by the even-odd rule. */
export function fillRing(ring: readonly number[], [height, width]: Spans['size']): Spans {
  const fine = ring.map((coordinate) => Math.trunc(SCALE * coordinate + 0.5));
  const places: number[] = [];
  for (let i = 0; i < fine.length; i += 2) {
    const [x0, y0, x1, y1] = [
      fine[i]!,
      fine[i + 1]!,
      fine[(i + 2) % fine.length]!,
      fine[(i + 3) % fine.length]!,
    ];
    const first = Math.max(0, Math.ceil((Math.min(x0, x1) - MIDDLE) / SCALE));
    // The edge must pass both fine columns next to the middle.
    const last = Math.min(width - 1, Math.floor((Math.max(x0, x1) - MIDDLE - 1) / SCALE));
    const rowAt =
      Math.abs(x1 - x0) >= Math.abs(y1 - y0)
        ? alongColumns(x0, y0, x1, y1)
        : alongRows(x0, y0, x1, y1);
    for (let column = first; column <= last; column++) {
      const row = Math.ceil((rowAt(SCALE * column + MIDDLE) - MIDDLE) / SCALE);
      places.push(column * height + Math.min(height, Math.max(0, row)));
    }
  }
  places.sort((a, b) => a - b);
  const ends: number[] = [];
  for (let i = 0; i < places.length; i += 2)
    if (places[i]! < places[i + 1]!) addSpan(ends, places[i]!, places[i + 1]!);
  return { size: [height, width], ends };
}

/**
 * Makes a function for a flat edge. For a step to the right from a fine column, it gives the upper
 * one of the edge's fine rows before and after the step.
 */
function alongColumns(x0: number, y0: number, x1: number, y1: number): (column: number) => number {
  if (x0 > x1) [x0, y0, x1, y1] = [x1, y1, x0, y0];
  const slope = (y1 - y0) / (x1 - x0);
  const rowIn = (column: number): number => Math.trunc(y0 + slope * (column - x0) + 0.5);
  return (column) => Math.min(rowIn(column), rowIn(column + 1));
}

/**
 * Makes the same function for a steep edge. It gives the last fine row before the edge steps from a
 * fine column to the next one, or back.
 */
function alongRows(x0: number, y0: number, x1: number, y1: number): (column: number) => number {
  if (y0 > y1) [x0, y0, x1, y1] = [x1, y1, x0, y0];
  const slope = (x1 - x0) / (y1 - y0);
  const isPast = (column: number, row: number): boolean => {
    const at = Math.trunc(x0 + slope * row + 0.5);
    return slope > 0 ? at > column : at <= column;
  };
  return (column) => {
    // Because of rounding, the row that the division gives may be off by one, so the search begins
    // before it.
    let row = Math.min(y1 - y0, Math.max(1, Math.ceil((column + 0.5 - x0) / slope) - 1));
    while (row < y1 - y0 && !isPast(column, row)) row++;
    return y0 + row - 1;
  };
}
