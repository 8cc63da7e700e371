import type { Ring } from './outline.js';

/** How closely an outline follows the mask. */
export interface OutlineOptions {
  /**
   * Pixels by which a simplified outline may be off. Default 0: exactly along the pixels' edges. Outlines simplified far beyond
   * the size of their details may cross themselves and each other: fill them by the even-odd rule.
   */
  tolerance?: number | undefined;
}

/** @throws {TypeError} if it is negative or no number. */
export function checkTolerance({ tolerance = 0 }: OutlineOptions): number {
  if (!(tolerance >= 0)) throw new TypeError(`tolerance must be a number of pixels from 0 on, not ${tolerance}.`);
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
 * Leaves corners out, so that no point of the ring is further than the tolerance from what is left and the other way round. The
 * direction stays. At least three corners remain, far apart, even if the whole ring is narrower than the tolerance.
 */
export function simplifyRing(ring: Ring, tolerance: number): Ring {
  if (tolerance === 0) return ring;
  const simple = leaveOut(ring, tolerance);
  // A ring may turn over where its details are far smaller than the tolerance. Closer to them it does not.
  return Math.sign(signedArea(simple)) === Math.sign(signedArea(ring)) ? simple : simplifyRing(ring, tolerance / 2);
}

/** The method of Ramer, Douglas and Peucker. */
function leaveOut(ring: Ring, tolerance: number): Ring {
  const count = ring.length / 2;
  // A ring has no ends to hold fast; its first corner and the one furthest from it serve.
  const opposite = furthest(ring, 1, count, 0, 0).corner;
  const kept = new Uint8Array(count);
  kept[0] = kept[opposite] = 1;
  const stretches = [0, opposite, opposite, count];
  // Outlines like combs would take quadratic time: what is left after a fair share of work is halved, keeping some corners more.
  let work = 64 * count;
  while (stretches.length > 0) {
    const to = stretches.pop()!;
    const from = stretches.pop()!;
    const worst = furthest(ring, from + 1, to, from, to % count);
    if (worst.distance <= tolerance) continue;
    work -= to - from;
    const corner = work > 0 ? worst.corner : (from + to) >> 1;
    kept[corner] = 1;
    stretches.push(from, corner, corner, to);
  }
  // Two corners enclose nothing. A third apart from their line exists, as pixels have an area.
  if (kept.reduce((sum, keep) => sum + keep, 0) === 2) kept[furthest(ring, 1, count, 0, opposite).corner] = 1;
  return ring.filter((_, i) => kept[i >> 1]);
}

/** Of the corners from `first` up to `end`, the one furthest from the segment between two corners, which may be the same one. */
function furthest(ring: Ring, first: number, end: number, from: number, to: number): { corner: number; distance: number } {
  const x = ring[2 * from]!;
  const y = ring[2 * from + 1]!;
  const dx = ring[2 * to]! - x;
  const dy = ring[2 * to + 1]! - y;
  const squaredLength = dx * dx + dy * dy || 1;
  let corner = first;
  let squared = 0;
  for (let i = first; i < end; i++) {
    const px = ring[2 * i]! - x;
    const py = ring[2 * i + 1]! - y;
    const along = Math.min(1, Math.max(0, (px * dx + py * dy) / squaredLength));
    const offset = (px - along * dx) ** 2 + (py - along * dy) ** 2;
    if (offset > squared) [corner, squared] = [i, offset];
  }
  return { corner, distance: Math.sqrt(squared) };
}
