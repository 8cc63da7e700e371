import type { CocoRle } from '../common/types.js';
import { type Crop, cropMask } from './crop.js';

/**
 * A ring has corners x0, y0, x1, y1, ... in pixels. It is closed: the last corner joins the first.
 */
export type Ring = number[];

// Right, down, left, up: adding 1 turns clockwise, as y points down.
const STEP_X = [1, 0, -1, 0] as const;
const STEP_Y = [0, 1, 0, -1] as const;

/**
 * Traces a mask along the edges of its pixels. Outer rings run clockwise and holes
 * counter-clockwise, so both fill rules give back exactly the mask. Pixels that touch only at a
 * corner are in separate rings, and a ring that would touch itself at a corner is cut in two there,
 * so no ring passes a point twice. The last edge of every ring, from its last corner to its first,
 * runs right along the top of a pixel of the mask.
 *
 * @throws {SegmenterError} the errors of `decodeRle`.
 */
export function traceOutline(rle: CocoRle): Ring[] {
  const grid = new Grid(cropMask(rle));
  const rings: Ring[] = [];
  // Every ring has an edge that runs right, above a pixel of the mask. Each of these edges is
  // walked once.
  const walked = new Uint8Array(grid.width * grid.height);
  for (let y = 0; y < grid.height; y++) {
    for (let x = 0; x < grid.width; x++) {
      if (grid.has(x, y) && !grid.has(x, y - 1) && !walked[y * grid.width + x])
        rings.push(...walk(grid, x, y, walked));
    }
  }
  return rings;
}

/**
 * Gives the ring through the top edge of a pixel, and the holes that are cut off where the ring
 * touches itself.
 */
function walk(grid: Grid, startX: number, startY: number, walked: Uint8Array): Ring[] {
  const ring: Ring = [];
  const holes: Ring[] = [];
  // A ring may come twice to a corner where pixels of the mask touch. This map has the places of
  // such corners in the ring.
  const touching = new Map<number, number>();
  let [x, y, heading] = [startX, startY, 0];
  do {
    if (heading === 0) walked[y * grid.width + x] = 1;
    x += STEP_X[heading]!;
    y += STEP_Y[heading]!;
    const { turn, touches } = lookAhead(grid, x, y, heading);
    const at = y * (grid.width + 1) + x;
    const before = touches ? touching.get(at) : undefined;
    if (before !== undefined) {
      holes.push(endToTheRight(ring.slice(before)));
      ring.length = before + 2;
    } else if (turn !== 0) {
      if (touches) touching.set(at, ring.length);
      ring.push(x + grid.left, y + grid.top);
    }
    heading = (heading + turn + 4) % 4;
  } while (x !== startX || y !== startY || heading !== 0);
  return [ring, ...holes];
}

/** Gives the same ring, begun at the corner that makes its last edge run right. */
function endToTheRight(ring: Ring): Ring {
  let first = 0;
  while (!(ring.at(first - 1) === ring[first + 1] && ring.at(first - 2)! < ring[first]!))
    first += 2;
  return [...ring.slice(first), ...ring.slice(0, first)];
}

/**
 * Says where to turn, with the mask on the right: 1 is right, -1 is left, and 0 is straight on. At
 * a corner where two pixels of the mask touch, the way turns right, around one of them.
 */
function lookAhead(
  grid: Grid,
  x: number,
  y: number,
  heading: number,
): { turn: -1 | 0 | 1; touches: boolean } {
  // The pixels ahead are those around the corner in the heading's direction.
  const right = (heading + 1) % 4;
  const aheadX = STEP_X[heading]!;
  const aheadY = STEP_Y[heading]!;
  const cell = (side: 1 | -1) => {
    const dx = aheadX + side * STEP_X[right]!;
    const dy = aheadY + side * STEP_Y[right]!;
    return grid.has(dx > 0 ? x : x - 1, dy > 0 ? y : y - 1);
  };
  if (!cell(1)) return { turn: 1, touches: cell(-1) };
  return { turn: cell(-1) ? -1 : 0, touches: false };
}

class Grid {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly #pixels: Uint8Array;

  constructor({ left, top, width, height, pixels }: Crop) {
    this.left = left;
    this.top = top;
    this.width = width;
    this.height = height;
    this.#pixels = pixels;
  }

  has(x: number, y: number): boolean {
    return (
      x >= 0 &&
      y >= 0 &&
      x < this.width &&
      y < this.height &&
      this.#pixels[y * this.width + x] === 1
    );
  }
}
