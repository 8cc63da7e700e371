// This file computes the exact Euclidean distance transform in linear time, after P. F.
// Felzenszwalb and D. P. Huttenlocher, "Distance Transforms of Sampled Functions", Theory of
// Computing 8 (2012). It first finds the distances within each column. These put a parabola on each
// pixel of a row, and the lower envelope of the parabolas gives the distances of the row.

/** This is larger than any distance in a photo, and its square is still exact. */
const NONE = 2 ** 26;

/**
 * Calls back row by row, from the top, with the squared distances in pixels from the centre of each
 * pixel to the centre of the nearest pixel whose value is `target`. The distance is Infinity if
 * there is no such pixel. The array is reused for the next row.
 */
export function forEachDistanceRow(
  pixels: Uint8Array,
  width: number,
  height: number,
  target: 0 | 1,
  visit: (y: number, squared: Float64Array) => void,
): void {
  const column = columnDistances(pixels, width, height, target);
  const envelope = {
    apex: new Int32Array(width),
    from: new Float64Array(width),
    squared: new Float64Array(width),
  };
  for (let y = 0; y < height; y++)
    visit(y, rowDistances(column.subarray(y * width, (y + 1) * width), envelope));
}

function columnDistances(
  pixels: Uint8Array,
  width: number,
  height: number,
  target: 0 | 1,
): Int32Array {
  const distances = new Int32Array(pixels.length).fill(NONE);
  for (let i = 0; i < pixels.length; i++) {
    if (pixels[i] === target) distances[i] = 0;
    else if (i >= width) distances[i] = Math.min(NONE, distances[i - width]! + 1);
  }
  for (let i = width * (height - 1) - 1; i >= 0; i--)
    distances[i] = Math.min(distances[i]!, distances[i + width]! + 1);
  return distances;
}

/**
 * Scratch space for one row. It has the apex of each parabola of the envelope, and where each
 * begins to be the lowest.
 */
interface Envelope {
  apex: Int32Array;
  from: Float64Array;
  squared: Float64Array;
}

function rowDistances(column: Int32Array, { apex, from, squared }: Envelope): Float64Array {
  let count = 0;
  for (let x = 0; x < column.length; x++) {
    if (column[x] === NONE) continue;
    let start = -Infinity;
    while (count > 0) {
      start = crossing(column, apex[count - 1]!, x);
      if (start > from[count - 1]!) break;
      // The new parabola is lower along the whole stretch of the last one.
      count--;
      start = -Infinity;
    }
    apex[count] = x;
    from[count] = start;
    count++;
  }
  if (count === 0) return squared.fill(Infinity);
  for (let x = 0, k = 0; x < column.length; x++) {
    while (k + 1 < count && from[k + 1]! < x) k++;
    squared[x] = (x - apex[k]!) ** 2 + column[apex[k]!]! ** 2;
  }
  return squared;
}

/**
 * Gives where the parabola with its apex at b begins to be lower than the one with its apex at a. b
 * is to the right of a.
 */
function crossing(column: Int32Array, a: number, b: number): number {
  return (column[b]! ** 2 + b * b - column[a]! ** 2 - a * a) / (2 * (b - a));
}
