// This file finds out how lines between corners of pixels lie to each other. Coordinates are whole
// numbers, so all of this is exact.
import { type Corners, neighbours } from './corners.js';

/**
 * Is positive if c lies clockwise of the line from a to b (as seen, with y down), negative if it
 * lies counter-clockwise, and 0 if it lies on the line.
 */
const side = ({ x, y }: Corners, a: number, b: number, c: number): number =>
  (x[b]! - x[a]!) * (y[c]! - y[a]!) - (y[b]! - y[a]!) * (x[c]! - x[a]!);

const isSamePlace = ({ x, y }: Corners, a: number, b: number): boolean =>
  x[a] === x[b] && y[a] === y[b];

/** Says whether c lies between a and b. It must be on the line through both. */
function isBetween({ x, y }: Corners, a: number, b: number, c: number): boolean {
  return (x[a]! - x[c]!) * (x[b]! - x[c]!) + (y[a]! - y[c]!) * (y[b]! - y[c]!) <= 0;
}

/**
 * Compares the line from corner a to the next kept corner with the line from corner c to the next
 * one. Gives the stretches that must follow their rings more closely, by their first corners. There
 * are none if the lines may stay as they are. Lines may only meet at their ends: neighbouring lines
 * do, and so do corners of two rings that touched there before and still lie the same way.
 */
export function conflict(corners: Corners, a: number, c: number): number[] {
  const { next, before } = corners;
  const [b, d] = [next[a]!, next[c]!];
  if (b === c || d === a) {
    const [from, middle, to] = b === c ? [a, b, d] : [c, d, b];
    // The lines conflict if the second one runs straight back along the first.
    return side(corners, from, middle, to) === 0 && !isBetween(corners, from, to, middle)
      ? [a, c]
      : [];
  }
  for (const mine of [a, b]) {
    for (const other of [c, d]) {
      if (isSamePlace(corners, mine, other))
        return isApart(corners, mine, other) ? [] : [before[mine]!, mine, before[other]!, other];
    }
  }
  const [ofC, ofD, ofA, ofB] = [
    side(corners, a, b, c),
    side(corners, a, b, d),
    side(corners, c, d, a),
    side(corners, c, d, b),
  ];
  const touches =
    (ofC === 0 && isBetween(corners, a, b, c)) ||
    (ofD === 0 && isBetween(corners, a, b, d)) ||
    (ofA === 0 && isBetween(corners, c, d, a)) ||
    (ofB === 0 && isBetween(corners, c, d, b));
  return touches ||
    (ofC > 0 !== ofD > 0 && ofA > 0 !== ofB > 0 && ofC * ofD !== 0 && ofA * ofB !== 0)
    ? [a, c]
    : [];
}

/**
 * Says whether two rings that touch at a common corner still touch there and neither cross nor run
 * along each other.
 */
function isApart(corners: Corners, mine: number, other: number): boolean {
  const { next, before } = corners;
  const to = (corner: number): Direction => [
    corners.x[corner]! - corners.x[mine]!,
    corners.y[corner]! - corners.y[mine]!,
  ];
  // Each ring goes around a pixel of the mask if the rings turn right, and around a pixel of the
  // background if they turn left. Clockwise from the first line come that pixel, the other line of
  // the same ring, and then the lines of the other ring in the same order.
  const [first, last] = turnsRight(corners, mine) ? [next, before] : [before, next];
  const start = to(first[mine]!);
  const [a, b, c] = [to(last[mine]!), to(first[other]!), to(last[other]!)];
  return quadrant(start, a) > 0 && isClockwise(start, a, b) && isClockwise(start, b, c);
}

/** Says whether the original ring turns right at a corner. */
function turnsRight(corners: Corners, corner: number): boolean {
  const [last, following] = neighbours(corners, corner);
  return side(corners, last, corner, following) > 0;
}

type Direction = [dx: number, dy: number];

/** Says whether a comes strictly before b when one turns clockwise from the direction `from`. */
function isClockwise(from: Direction, a: Direction, b: Direction): boolean {
  const [ofA, ofB] = [quadrant(from, a), quadrant(from, b)];
  return ofA === ofB ? a[0] * b[1] - a[1] * b[0] > 0 : ofA < ofB;
}

/**
 * Says where `to` lies clockwise from a direction: 0 is along it, 1 is in the half turn after it, 2
 * is straight back, and 3 is in the other half.
 */
function quadrant(from: Direction, to: Direction): number {
  const cross = from[0] * to[1] - from[1] * to[0];
  if (cross !== 0) return cross > 0 ? 1 : 3;
  return from[0] * to[0] + from[1] * to[1] > 0 ? 0 : 2;
}
