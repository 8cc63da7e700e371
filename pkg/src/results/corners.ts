// This file holds the corners of a mask's rings and chooses which of them are kept, with the method
// of Ramer, Douglas and Peucker. More corners can be kept on demand.
import type { Ring } from './outline.js';

/**
 * The corners of all rings, numbered consecutively. The kept corners are linked. Between a kept
 * corner and the next one is a stretch of the ring, which the straight line between the two
 * replaces.
 */
export class Corners {
  readonly count: number;
  readonly tolerance: number;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** For each kept corner, the next kept corner of its ring and the one before. */
  readonly next: Int32Array;
  readonly before: Int32Array;
  /**
   * `ringOf` has the ring of each corner. `firsts` has the first corner of each ring and, at its
   * end, the number of all corners.
   */
  readonly ringOf: Int32Array;
  readonly firsts: number[] = [0];
  /**
   * Outlines like combs would take quadratic time. So after a fair amount of work, stretches are
   * halved, which keeps a few more corners.
   */
  #work: number;

  constructor(rings: readonly Ring[], tolerance: number) {
    for (const ring of rings) this.firsts.push(this.firsts.at(-1)! + ring.length / 2);
    this.count = this.firsts.at(-1)!;
    this.tolerance = tolerance;
    this.#work = 64 * this.count;
    [this.x, this.y] = [new Float64Array(this.count), new Float64Array(this.count)];
    [this.next, this.before, this.ringOf] = [
      new Int32Array(this.count),
      new Int32Array(this.count),
      new Int32Array(this.count),
    ];
    rings.forEach((ring, index) => this.#begin(ring, index));
  }

  /** Gives the simplified rings. */
  rings(): Ring[] {
    const place = (corner: number): Ring => [this.x[corner]!, this.y[corner]!];
    return this.firsts.slice(0, -1).map((first) => [...this.lines(first)].flatMap(place));
  }

  /** Yields the kept corners of a ring. Each of them begins a line. */
  *lines(first: number): Generator<number> {
    let at = first;
    do {
      yield at;
      at = this.next[at]!;
    } while (at !== first);
  }

  /** Yields the first corners of the rings that have changed their direction or enclose nothing. */
  *turnedOver(): Generator<number> {
    for (let ring = 0; ring + 1 < this.firsts.length; ring++) {
      const [first, end] = [this.firsts[ring]!, this.firsts[ring + 1]!];
      let [before, now] = [this.#cross(end - 1, first), 0];
      for (let at = first; at + 1 < end; at++) before += this.#cross(at, at + 1);
      for (const at of this.lines(first)) now += this.#cross(at, this.next[at]!);
      if (Math.sign(before) !== Math.sign(now)) yield first;
    }
  }

  bounds(): [left: number, top: number, right: number, bottom: number] {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let at = 0; at < this.count; at++) {
      [left, top] = [Math.min(left, this.x[at]!), Math.min(top, this.y[at]!)];
      [right, bottom] = [Math.max(right, this.x[at]!), Math.max(bottom, this.y[at]!)];
    }
    return [left, top, right, bottom];
  }

  /**
   * Gives the number after the last corner of the stretch that begins at a kept corner. The stretch
   * ends at the corner with this number, or at the ring's first corner.
   */
  endOf(corner: number): number {
    return this.next[corner]! > corner
      ? this.next[corner]!
      : this.firsts[this.ringOf[corner]! + 1]!;
  }

  /** Says whether a stretch is an edge of the original ring, so that nothing was left out. */
  isEdge(corner: number): boolean {
    return this.endOf(corner) === corner + 1;
  }

  /** Gives the distance from a corner to the line between two others, which may be the same one. */
  distance(corner: number, from: number, to: number): number {
    const [px, py] = [this.x[corner]! - this.x[from]!, this.y[corner]! - this.y[from]!];
    const [dx, dy] = [this.x[to]! - this.x[from]!, this.y[to]! - this.y[from]!];
    const along = Math.min(1, Math.max(0, (px * dx + py * dy) / (dx * dx + dy * dy || 1)));
    return Math.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2);
  }

  /**
   * Keeps at least one more corner of a stretch, and more if its pieces are further away than the
   * tolerance.
   */
  refine(corner: number): void {
    this.#split(corner, true);
  }

  #begin(ring: Ring, index: number): void {
    const [first, end] = [this.firsts[index]!, this.firsts[index + 1]!];
    for (let at = first; at < end; at++) {
      this.x[at] = ring[2 * (at - first)]!;
      this.y[at] = ring[2 * (at - first) + 1]!;
    }
    this.ringOf.fill(index, first, end);
    // A ring has no ends that could be kept. Its first corner and the corner furthest from it serve
    // as ends.
    this.next[first] = this.before[first] = first;
    const opposite = this.#furthest(first + 1, end, first, first).corner;
    this.#link(first, opposite);
    this.#split(opposite, false);
    this.#split(first, false);
    // Two corners enclose nothing. There is a third one away from their line, because pixels have
    // an area.
    if (this.next[first] !== opposite || this.next[opposite] !== first) return;
    const third = this.#furthest(first + 1, end, first, opposite).corner;
    this.#link(third < opposite ? first : opposite, third);
  }

  /** Keeps corners of a stretch until all its corners are within the tolerance. */
  #split(corner: number, isForced: boolean): void {
    const open = [corner];
    let must = isForced;
    while (open.length > 0) {
      const from = open.pop()!;
      const end = this.endOf(from);
      if (end === from + 1) continue;
      const worst = this.#furthest(from + 1, end, from, this.next[from]!);
      if (!must && worst.distance <= this.tolerance) continue;
      must = false;
      this.#work -= end - from;
      const kept = this.#work > 0 ? worst.corner : (from + end) >> 1;
      this.#link(from, kept);
      open.push(from, kept);
    }
  }

  /** Keeps a corner of the stretch that begins at `from`. */
  #link(from: number, corner: number): void {
    const to = this.next[from]!;
    this.next[from] = corner;
    this.next[corner] = to;
    this.before[to] = corner;
    this.before[corner] = from;
  }

  /**
   * Finds the corner, from `first` up to `end`, that is furthest from the line between two corners,
   * which may be the same one.
   */
  #furthest(
    first: number,
    end: number,
    from: number,
    to: number,
  ): { corner: number; distance: number } {
    let [corner, distance] = [first, 0];
    for (let at = first; at < end; at++) {
      const found = this.distance(at, from, to);
      if (found > distance) [corner, distance] = [at, found];
    }
    return { corner, distance };
  }

  #cross(a: number, b: number): number {
    return this.x[a]! * this.y[b]! - this.x[b]! * this.y[a]!;
  }
}

/** Gives the corners before and after a corner in the original ring. */
export function neighbours(
  { ringOf, firsts }: Corners,
  corner: number,
): [last: number, following: number] {
  const [first, end] = [firsts[ringOf[corner]!]!, firsts[ringOf[corner]! + 1]!];
  return [corner === first ? end - 1 : corner - 1, corner + 1 === end ? first : corner + 1];
}
