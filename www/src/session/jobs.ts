// Runs one piece of work at a time, and shows its progress. New work ends the work before it.
import type { Status } from '../panels/status.js';
import { explain } from './errors.js';
import type { Job } from './session.js';

/** How a piece of work ended. 'replaced' means that newer work took its place. */
export type Outcome = 'done' | 'cancelled' | 'replaced' | 'failed';

export class Jobs {
  readonly #status: Status;
  #running: { controller: AbortController; done: Promise<Outcome> } | undefined;
  #again: () => void = () => {};
  /** Called when no work is left. */
  onIdle: () => void = () => {};

  constructor(status: Status) {
    this.#status = status;
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  cancel(): void {
    this.#running?.controller.abort();
  }

  /** Does the last piece of work once more. */
  again(): void {
    this.#again();
  }

  fail(error: unknown): void {
    this.#status.showError(explain(error));
  }

  /**
   * Runs the work after the work before it has ended. Its failure is shown, and does not reject.
   */
  run(work: (job: Job) => Promise<void>): Promise<Outcome> {
    const before = this.#running;
    before?.controller.abort();
    const controller = new AbortController();
    this.#again = () => void this.run(work);
    const done = this.#perform(work, controller, before?.done);
    this.#running = { controller, done };
    return done;
  }

  async #perform(
    work: (job: Job) => Promise<void>,
    { signal }: AbortController,
    before: Promise<Outcome> | undefined,
  ): Promise<Outcome> {
    await before;
    this.#status.clearError();
    let failed = false;
    try {
      signal.throwIfAborted();
      await work({
        signal,
        onStage: (stage) => this.#status.busy(stage),
        onProgress: (progress) => this.#status.progress(progress),
      });
    } catch (error) {
      failed = true;
      this.#status.say(signal.aborted ? 'Cancelled.' : 'That did not work.');
      if (!signal.aborted) this.fail(error);
    }
    const replaced = this.#running?.controller.signal !== signal;
    if (!replaced) {
      this.#running = undefined;
      this.#status.idle();
      this.onIdle();
    }
    if (!failed) return 'done';
    if (replaced) return 'replaced';
    return signal.aborted ? 'cancelled' : 'failed';
  }
}
