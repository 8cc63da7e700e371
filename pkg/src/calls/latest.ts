import { SegmenterError, abortedError } from '../common/errors.js';

/**
 * The same function, of whose overlapping calls only the newest goes on: for pointers that move, where an answer to an earlier
 * place is of no use any more. A new call aborts the one before by its `signal` and rejects it at once, whether or not the
 * function heeds that; what comes of it later is dropped. Calls after one another do not disturb each other. What the newest call
 * gives or throws is passed on as it is.
 *
 * A call's own `signal` aborts that call alone. One that is aborted already rejects and leaves the call before it in peace.
 *
 * Calls reject with {@link SegmenterError} 'aborted' when another takes their place or their signal is aborted.
 *
 * @throws {TypeError} if it is given no function.
 */
export function latest<Input, Result>(
  call: (input: Input, options: { signal: AbortSignal }) => Promise<Result>,
): (input: Input, options?: { signal?: AbortSignal | undefined }) => Promise<Result> {
  if (typeof call !== 'function') throw new TypeError('latest takes a function of an input and { signal }.');
  let giveWay: (() => void) | undefined;
  return (input, { signal } = {}) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortedError(signal));
      const controller = new AbortController();
      const end = (): void => {
        signal?.removeEventListener('abort', stop);
        if (giveWay === replaced) giveWay = undefined;
      };
      const abort = (error: SegmenterError): void => {
        end();
        reject(error);
        controller.abort(error);
      };
      const stop = (): void => abort(abortedError(signal!));
      const replaced = (): void => abort(new SegmenterError('aborted', 'A newer call took the place of this one.'));
      const before = giveWay;
      giveWay = replaced;
      signal?.addEventListener('abort', stop);
      before?.();
      const settle =
        <Value>(how: (value: Value) => void) =>
        (value: Value): void => {
          end();
          how(value);
        };
      // An async function turns what is thrown before there is a promise into a rejection too.
      void (async () => call(input, { signal: controller.signal }))().then(settle(resolve), settle(reject));
    });
}
