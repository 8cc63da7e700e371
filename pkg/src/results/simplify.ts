import { Corners } from './corners.js';
import type { Ring } from './outline.js';
import { untangle } from './untangle.js';

/** This option says how closely an outline follows the mask. */
export interface OutlineOptions {
  /**
   * A simplified outline may be off by this many pixels. Default 0: it runs exactly along the edges
   * of pixels.
   */
  tolerance?: number | undefined;
}

/** @throws {TypeError} if it is negative or no number. */
export function checkTolerance({ tolerance = 0 }: OutlineOptions): number {
  if (!(tolerance >= 0))
    throw new TypeError(`tolerance must be a number of pixels from 0 on, not ${tolerance}.`);
  return tolerance;
}

/** In square pixels: positive if the ring is clockwise as seen, negative if not. */
export function signedArea(ring: Ring): number {
  let twice = 0;
  for (let i = 0; i < ring.length; i += 2) {
    twice += ring[i]! * ring[(i + 3) % ring.length]! - ring[(i + 2) % ring.length]! * ring[i + 1]!;
  }
  return twice / 2;
}

/**
 * Leaves corners out of the rings of one mask, so that no point of a ring is further than the
 * tolerance from what is left of it and the other way round. Directions stay, and so does what lies
 * inside what: rings neither cross themselves nor each other, as corners stay where leaving them
 * out would have that effect.
 */
export function simplifyRings(rings: readonly Ring[], tolerance: number): Ring[] {
  if (tolerance === 0) return [...rings];
  const corners = new Corners(rings, tolerance);
  untangle(corners);
  return corners.rings();
}
