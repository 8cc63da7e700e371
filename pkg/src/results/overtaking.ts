// This file finds out whether simplifying a ring has moved it over another one. That ring then lies
// outside a ring that it lay inside, or inside one that it lay outside.
import type { Cells } from './cells.js';
import { type Corners, neighbours } from './corners.js';

/**
 * Says whether another ring lies between a line and the stretch of the ring that the line replaces.
 * `starts` has the rings' first corners.
 */
export function overtakes(corners: Corners, from: number, starts: Cells): boolean {
  if (corners.isEdge(from)) return false;
  const { x, y, ringOf } = corners;
  const stretch = stretchOf(corners, from);
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const corner of stretch) {
    [left, top] = [Math.min(left, x[corner]!), Math.min(top, y[corner]!)];
    [right, bottom] = [Math.max(right, x[corner]!), Math.max(bottom, y[corner]!)];
  }
  for (const cell of starts.inBox(left, top, right, bottom)) {
    for (const start of cell) {
      if (
        ringOf[start] === ringOf[from] ||
        corners.distance(start, from, corners.next[from]!) > corners.tolerance + 1e-6
      )
        continue;
      if (isInside(corners, start, stretch)) return true;
    }
  }
  return false;
}

function stretchOf(corners: Corners, from: number): number[] {
  const stretch: number[] = [];
  for (let at = from; at < corners.endOf(from); at++) stretch.push(at);
  return [...stretch, corners.next[from]!];
}

/**
 * Says whether a ring's start lies inside a polygon of corners, by the even-odd rule. If rings
 * touch, the start may also be a corner of the polygon. So the test uses a point next to the start,
 * closer than anything else, in the angle that its ring makes there. The point is on neither of the
 * diagonals, because lines may run along those.
 */
function isInside(corners: Corners, start: number, polygon: readonly number[]): boolean {
  const { x, y } = corners;
  const [px, py] = [x[start]!, y[start]!];
  const [last, following] = neighbours(corners, start);
  const dx = Math.sign(x[last]! - px) + Math.sign(x[following]! - px);
  const dy = Math.SQRT1_2 * (Math.sign(y[last]! - py) + Math.sign(y[following]! - py));
  const isBelow = (corner: number): boolean => y[corner]! > py || (y[corner]! === py && dy < 0);
  let isIn = false;
  polygon.forEach((a, i) => {
    const b = polygon[(i + 1) % polygon.length]!;
    if (isBelow(a) === isBelow(b)) return;
    const [wide, high] = [x[b]! - x[a]!, y[b]! - y[a]!];
    const side = wide * (py - y[a]!) - high * (px - x[a]!) || wide * dy - high * dx;
    if (side > 0 === high > 0) isIn = !isIn;
  });
  return isIn;
}
