import { abortedError, SegmenterError } from '../common/errors.js';

/**
 * Makes a function that gives way to its newest call. This is for pointers that move, because an
 * answer for an earlier position is no longer of use. If a call is still running when a new one is
 * made, its `signal` is aborted and its promise rejects at once, whether or not the function obeys
 * the signal. Its later result is dropped. The result or the error of the newest call is passed on
 * unchanged.
 *
 * The `signal` that a caller passes aborts only that call. If it is aborted already, the call
 * rejects and the call before it goes on.
 *
 * Calls reject with {@link SegmenterError} 'aborted' if a newer call replaces them or their signal
 * is aborted.
 *
 * @throws {TypeError} if `call` is not a function.
 */
export function latest<Input, Result>(
  call: (input: Input, options: { signal: AbortSignal }) => Promise<Result>,
): (input: Input, options?: { signal?: AbortSignal | undefined }) => Promise<Result> {
  if (typeof call !== 'function')
    throw new TypeError('latest takes a function of an input and { signal }.');
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
      const replaced = (): void =>
        abort(new SegmenterError('aborted', 'A newer call took the place of this one.'));
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
      // The async function turns an error that `call` throws directly into a rejection.
      void (async () => call(input, { signal: controller.signal }))().then(
        settle(resolve),
        settle(reject),
      );
    });
}
