/** A line of states that never change. Undo and redo walk along it. */
export class History<State> {
  #past: State[] = [];
  #present: State;
  #future: State[] = [];
  /** What the last change was about, if further changes of it count as the same step. */
  #key: string | undefined;

  constructor(
    first: State,
    readonly limit = 200,
  ) {
    this.#present = first;
  }

  get present(): State {
    return this.#present;
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  /**
   * Adds a state. Changes one after the other with the same key, such as those of a slider that is
   * dragged, are one step.
   */
  push(state: State, key?: string): void {
    if (key === undefined || key !== this.#key) {
      this.#past.push(this.#present);
      if (this.#past.length > this.limit) this.#past.shift();
    }
    this.#key = key;
    this.#present = state;
    this.#future = [];
  }

  /** Puts a state in the place of the present one. */
  replace(state: State): void {
    this.#present = state;
  }

  /** The next change is a step of its own. */
  seal(): void {
    this.#key = undefined;
  }

  undo(): void {
    const before = this.#past.pop();
    if (before === undefined) return;
    this.#future.push(this.#present);
    this.#present = before;
    this.seal();
  }

  redo(): void {
    const next = this.#future.pop();
    if (next === undefined) return;
    this.#past.push(this.#present);
    this.#present = next;
    this.seal();
  }
}
