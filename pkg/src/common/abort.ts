// Callers stop waiting here when a signal is aborted; the work itself may go on.
import { type SegmenterError, abortedError } from './errors.js';

/** A signal, and the error that calls reject with once it is aborted. */
export type Stop = readonly [signal: AbortSignal | undefined, error: (signal: AbortSignal) => SegmenterError];

/** Waits for the work no longer than until one of the signals is aborted; the work itself goes on. */
export function unlessStopped<Result>(work: Promise<Result>, ...stops: readonly Stop[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const cleanups: (() => void)[] = [];
    const settle = () => cleanups.forEach((cleanUp) => cleanUp());
    work.finally(settle).then(resolve, reject);
    for (const [signal, error] of stops) {
      if (!signal) continue;
      const stop = () => {
        settle();
        reject(error(signal));
      };
      if (signal.aborted) return stop();
      signal.addEventListener('abort', stop);
      cleanups.push(() => signal.removeEventListener('abort', stop));
    }
  });
}

export const unlessAborted = <Result>(work: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> =>
  unlessStopped(work, [signal, abortedError]);

/**
 * A controller that is also aborted with `signal`, until it is released. `AbortSignal.any` would do this, but is younger than some browsers
 * that this package runs in.
 */
export function follow(signal: AbortSignal | undefined): { controller: AbortController; release: () => void } {
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  return { controller, release: () => signal?.removeEventListener('abort', abort) };
}
