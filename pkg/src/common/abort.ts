// These functions end the wait for some work when a signal is aborted. The work itself may go on.
import { abortedError, type SegmenterError } from './errors.js';

/** This is a signal and the error with which a call rejects when the signal is aborted. */
type Stop = readonly [
  signal: AbortSignal | undefined,
  error: (signal: AbortSignal) => SegmenterError,
];

/** Gives the result of the work, or rejects as soon as one of the signals is aborted. */
export function unlessStopped<Result>(
  work: Promise<Result>,
  ...stops: readonly Stop[]
): Promise<Result> {
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

/** Gives the result of the work, or rejects with 'aborted' as soon as the signal is aborted. */
export const unlessAborted = <Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
): Promise<Result> => unlessStopped(work, [signal, abortedError]);

/**
 * Makes a controller that is also aborted when `signal` is, until `release` is called.
 * `AbortSignal.any` does the same, but some browsers that this package supports do not have it.
 */
export function follow(signal: AbortSignal | undefined): {
  controller: AbortController;
  release: () => void;
} {
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  return { controller, release: () => signal?.removeEventListener('abort', abort) };
}
