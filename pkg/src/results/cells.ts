/**
 * A grid of square cells that finds which things are near each other. Each cell has the numbers of
 * the things that reach into it.
 */
export class Cells {
  readonly #left: number;
  readonly #top: number;
  readonly #side: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #cells = new Map<number, number[]>();

  /** Makes a grid for about `count` things within the bounds. */
  constructor(
    [left, top, right, bottom]: readonly [number, number, number, number],
    count: number,
  ) {
    this.#left = left;
    this.#top = top;
    this.#side = Math.max(2, Math.sqrt(((right - left) * (bottom - top)) / count));
    this.#columns = Math.floor((right - left) / this.#side) + 1;
    this.#rows = Math.floor((bottom - top) / this.#side) + 1;
  }

  /** Yields the cells of a box, including those on its borders. */
  *inBox(left: number, top: number, right: number, bottom: number): Generator<number[]> {
    const [firstColumn, lastColumn, lastRow] = [
      this.#columnOf(left),
      this.#columnOf(right),
      this.#rowOf(bottom),
    ];
    for (let row = this.#rowOf(top); row <= lastRow; row++) {
      for (let column = firstColumn; column <= lastColumn; column++) yield this.#cell(row, column);
    }
  }

  /** Yields the cells that a line runs through. Lines that meet have a cell in common. */
  *along(x0: number, y0: number, x1: number, y1: number): Generator<number[]> {
    if (y0 > y1) [x0, y0, x1, y1] = [x1, y1, x0, y0];
    const slope = y0 === y1 ? 0 : (x1 - x0) / (y1 - y0);
    const lastRow = this.#rowOf(y1 + 0.5);
    // The line is widened by half a pixel on each side, so that neither rounding nor the borders of
    // cells separate lines that meet.
    for (let row = this.#rowOf(y0 - 0.5); row <= lastRow; row++) {
      const [top, bottom] = [
        this.#top + row * this.#side - 0.5,
        this.#top + (row + 1) * this.#side + 0.5,
      ];
      const from = y0 === y1 ? x0 : x0 + (Math.min(y1, Math.max(y0, top)) - y0) * slope;
      const to = y0 === y1 ? x1 : x0 + (Math.min(y1, Math.max(y0, bottom)) - y0) * slope;
      const lastColumn = this.#columnOf(Math.max(from, to) + 0.5);
      for (let column = this.#columnOf(Math.min(from, to) - 0.5); column <= lastColumn; column++)
        yield this.#cell(row, column);
    }
  }

  #cell(row: number, column: number): number[] {
    const at = row * this.#columns + column;
    let cell = this.#cells.get(at);
    if (!cell) this.#cells.set(at, (cell = []));
    return cell;
  }

  #columnOf(x: number): number {
    return Math.max(0, Math.min(this.#columns - 1, Math.floor((x - this.#left) / this.#side)));
  }

  #rowOf(y: number): number {
    return Math.max(0, Math.min(this.#rows - 1, Math.floor((y - this.#top) / this.#side)));
  }
}
