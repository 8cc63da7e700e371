// The corners of a mask's rings, of which some are kept: the method of Ramer, Douglas and Peucker,
// with more corners on demand.
import type { Ring } from './outline.js';

/**
 * Corners of all rings, numbered through. Those that are kept are linked; between a kept corner and
 * the next one lies a stretch, which the straight line between the two stands for.
 */
export class Corners {
  readonly count: number;
  readonly tolerance: number;
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** The kept corner after a kept one, around its ring, and the one before. */
  readonly next: Int32Array;
  readonly before: Int32Array;
  /**
   * The ring of a corner, and of each ring its first corner; the last number is that of all
   * corners.
   */
  readonly ringOf: Int32Array;
  readonly firsts: number[] = [0];
  /**
   * Outlines like combs would take quadratic time: after a fair share of work stretches are halved,
   * which keeps some corners more.
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

  /** What is left of the rings. */
  rings(): Ring[] {
    const place = (corner: number): Ring => [this.x[corner]!, this.y[corner]!];
    return this.firsts.slice(0, -1).map((first) => [...this.lines(first)].flatMap(place));
  }

  /** The kept corners of a ring, each of which begins a line. */
  *lines(first: number): Generator<number> {
    let at = first;
    do {
      yield at;
      at = this.next[at]!;
    } while (at !== first);
  }

  /** The first corners of rings that run the other way than they did, or enclose nothing. */
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
   * One after the last corner of the stretch that begins at a kept corner; its end is the corner of
   * this number or the ring's first.
   */
  endOf(corner: number): number {
    return this.next[corner]! > corner
      ? this.next[corner]!
      : this.firsts[this.ringOf[corner]! + 1]!;
  }

  /** Whether a stretch is an edge of the ring as it was: nothing was left out. */
  isEdge(corner: number): boolean {
    return this.endOf(corner) === corner + 1;
  }

  /** From a corner to the line between two others, which may be the same one. */
  distance(corner: number, from: number, to: number): number {
    const [px, py] = [this.x[corner]! - this.x[from]!, this.y[corner]! - this.y[from]!];
    const [dx, dy] = [this.x[to]! - this.x[from]!, this.y[to]! - this.y[from]!];
    const along = Math.min(1, Math.max(0, (px * dx + py * dy) / (dx * dx + dy * dy || 1)));
    return Math.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2);
  }

  /**
   * Keeps one more corner of a stretch at least, and more where its pieces are further off than the
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
    // A ring has no ends to hold fast; its first corner and the one furthest from it serve.
    this.next[first] = this.before[first] = first;
    const opposite = this.#furthest(first + 1, end, first, first).corner;
    this.#link(first, opposite);
    this.#split(opposite, false);
    this.#split(first, false);
    // Two corners enclose nothing. A third apart from their line exists, as pixels have an area.
    if (this.next[first] !== opposite || this.next[opposite] !== first) return;
    const third = this.#furthest(first + 1, end, first, opposite).corner;
    this.#link(third < opposite ? first : opposite, third);
  }

  /** Keeps corners of a stretch until no corner of it is further off than the tolerance. */
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
   * Of the corners from `first` up to `end`, the one furthest from the line between two corners,
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

/** The corners beside one in the ring as it was. */
export function neighbours(
  { ringOf, firsts }: Corners,
  corner: number,
): [last: number, following: number] {
  const [first, end] = [firsts[ringOf[corner]!]!, firsts[ringOf[corner]! + 1]!];
  return [corner === first ? end - 1 : corner - 1, corner + 1 === end ? first : corner + 1];
}
