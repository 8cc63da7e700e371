import { Corners } from './corners.js';
import type { Ring } from './outline.js';
import { untangle } from './untangle.js';

/** This option says how closely an outline follows the mask. */
export interface OutlineOptions {
  /**
   * A simplified outline may be off by this many pixels. With the default of 0 it runs exactly
   * along the edges of pixels.
   */
  tolerance?: number | undefined;
}

/** @throws {TypeError} if the tolerance is negative or not a number. */
export function checkTolerance({ tolerance = 0 }: OutlineOptions): number {
  if (!(tolerance >= 0))
    throw new TypeError(`tolerance must be a number of pixels from 0 on, not ${tolerance}.`);
  return tolerance;
}

/**
 * Gives the area in square pixels, positive if the ring is clockwise as seen, and otherwise
 * negative.
 */
export function signedArea(ring: Ring): number {
  let twice = 0;
  for (let i = 0; i < ring.length; i += 2) {
    twice += ring[i]! * ring[(i + 3) % ring.length]! - ring[(i + 2) % ring.length]! * ring[i + 1]!;
  }
  return twice / 2;
}

/**
 * Leaves corners out of the rings of one mask. No point of a ring is further than the tolerance
 * from the simplified ring, and the other way round. Rings keep their direction, and what lay
 * inside a ring still does. Rings cross neither themselves nor each other: if leaving out a corner
 * would cause that, the corner stays.
 */
export function simplifyRings(rings: readonly Ring[], tolerance: number): Ring[] {
  if (tolerance === 0) return [...rings];
  const corners = new Corners(rings, tolerance);
  untangle(corners);
  return corners.rings();
}
