import type { CocoRle } from '../types.js';
import { type Crop, cropMask } from './crop.js';

/** Closed rings of corners x0, y0, x1, y1, ... in pixels; the last corner joins the first. */
export type Ring = number[];

// Right, down, left, up: adding 1 turns clockwise, as y points down.
const STEP_X = [1, 0, -1, 0] as const;
const STEP_Y = [0, 1, 0, -1] as const;

/**
 * Traces a mask along the edges of its pixels. Outer rings run clockwise and holes counter-clockwise, so both fill rules
 * give back exactly the mask. Pixels that touch at a corner only are in separate rings. The last edge of every ring, from its
 * last corner to its first, runs right along the top of a pixel of the mask.
 */
export function traceOutline(rle: CocoRle): Ring[] {
  const grid = new Grid(cropMask(rle));
  const rings: Ring[] = [];
  // Every ring has an edge that runs right, above a pixel of the mask; each is walked once.
  const walked = new Uint8Array(grid.width * grid.height);
  for (let y = 0; y < grid.height; y++) {
    for (let x = 0; x < grid.width; x++) {
      if (grid.has(x, y) && !grid.has(x, y - 1) && !walked[y * grid.width + x]) rings.push(walk(grid, x, y, walked));
    }
  }
  return rings;
}

function walk(grid: Grid, startX: number, startY: number, walked: Uint8Array): Ring {
  const ring: Ring = [];
  let [x, y, heading] = [startX, startY, 0];
  do {
    if (heading === 0) walked[y * grid.width + x] = 1;
    x += STEP_X[heading]!;
    y += STEP_Y[heading]!;
    const turn = turnAt(grid, x, y, heading);
    if (turn !== 0) ring.push(x + grid.left, y + grid.top);
    heading = (heading + turn + 4) % 4;
  } while (x !== startX || y !== startY || heading !== 0);
  return ring;
}

/** The mask is on the right hand: 1 to turn right, -1 left, 0 to go straight on. */
function turnAt(grid: Grid, x: number, y: number, heading: number): -1 | 0 | 1 {
  // The pixels ahead are those around the corner in the heading's direction.
  const right = (heading + 1) % 4;
  const aheadX = STEP_X[heading]!;
  const aheadY = STEP_Y[heading]!;
  const cell = (side: 1 | -1) => {
    const dx = aheadX + side * STEP_X[right]!;
    const dy = aheadY + side * STEP_Y[right]!;
    return grid.has(dx > 0 ? x : x - 1, dy > 0 ? y : y - 1);
  };
  if (!cell(1)) return 1;
  return cell(-1) ? -1 : 0;
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
    return x >= 0 && y >= 0 && x < this.width && y < this.height && this.#pixels[y * this.width + x] === 1;
  }
}
