// If simplified rings meet or overtake each other, this file gives corners back to them until they
// do not.
import { Cells } from './cells.js';
import type { Corners } from './corners.js';
import { conflict } from './crossing.js';
import { overtakes } from './overtaking.js';

/**
 * Keeps more corners, so that no two lines meet if their rings did not, every ring keeps its
 * direction, and every ring lies in the same rings as before. This ends, because rings that keep
 * all their corners are like that.
 */
export function untangle(corners: Corners): void {
  if (corners.count > 0) new Untangler(corners).run();
}

class Untangler {
  readonly #corners: Corners;
  /**
   * Each line, as the numbers of both its corners. The second number shows whether a line has been
   * replaced since.
   */
  readonly #lines: Cells;
  /** The first corners of the rings. They are always kept. */
  readonly #starts: Cells;
  /** The first corners of new lines. These lines may meet others. */
  #meeting: number[] = [];
  /**
   * The first corners of new lines. Other rings may lie between these lines and the stretches that
   * they replace.
   */
  #passing: number[] = [];

  constructor(corners: Corners) {
    const bounds = corners.bounds();
    this.#corners = corners;
    this.#lines = new Cells(bounds, corners.count);
    this.#starts = new Cells(bounds, corners.firsts.length);
    for (const first of corners.firsts.slice(0, -1)) {
      const [x, y] = [corners.x[first]!, corners.y[first]!];
      for (const cell of this.#starts.inBox(x, y, x, y)) cell.push(first);
      for (const from of corners.lines(first)) this.#add(from);
    }
  }

  run(): void {
    while (this.#meeting.length > 0) {
      while (this.#meeting.length > 0) this.#separate(this.#meeting.pop()!);
      const passing = this.#passing;
      this.#passing = [];
      for (const from of passing)
        if (overtakes(this.#corners, from, this.#starts)) this.#refine(from);
      // A ring may change its direction if its details are far smaller than the tolerance. With
      // more corners it does not.
      for (const first of this.#corners.turnedOver())
        for (const from of [...this.#corners.lines(first)]) this.#refine(from);
    }
  }

  #add(from: number): void {
    for (const cell of this.#cellsOf(from)) cell.push(from, this.#corners.next[from]!);
    this.#meeting.push(from);
    this.#passing.push(from);
  }

  #refine(from: number): void {
    const { next } = this.#corners;
    if (this.#corners.isEdge(from)) return;
    const to = next[from]!;
    this.#corners.refine(from);
    for (let at = from; at !== to; at = next[at]!) this.#add(at);
  }

  #separate(from: number): void {
    const { next } = this.#corners;
    const to = next[from]!;
    for (const cell of this.#cellsOf(from)) {
      for (let i = 0; i < cell.length; i += 2) {
        const other = cell[i]!;
        if (
          other === from ||
          next[other] !== cell[i + 1] ||
          (this.#corners.isEdge(from) && this.#corners.isEdge(other))
        )
          continue;
        for (const line of conflict(this.#corners, from, other)) this.#refine(line);
        // This line was replaced. The lines in its place are in the queue.
        if (next[from] !== to) return;
      }
    }
  }

  #cellsOf(from: number): Generator<number[]> {
    const { x, y, next } = this.#corners;
    const to = next[from]!;
    return this.#lines.along(x[from]!, y[from]!, x[to]!, y[to]!);
  }
}
