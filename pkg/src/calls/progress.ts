// These functions turn the progress of single steps into the progress of a whole call.
import type { Progress } from '../common/types.js';

export type OnFraction = (fraction: number) => void;

/** Reports the progress of a call until the call has ended. */
export interface Reporter {
  (fraction: number): void;
  /** Says that the call has ended. Work that it has left behind reports nothing after this. */
  end(): void;
}

/**
 * Makes a function that passes fractions on to the page's `onProgress`, but only if they are higher
 * than all earlier ones. If `onProgress` throws, the error is reported as an error of the page, and
 * the call goes on.
 */
export function reporter(
  stage: Progress['stage'],
  onProgress: ((progress: Progress) => void) | undefined,
): Reporter {
  let last = -1;
  const report = (fraction: number): void => {
    const next = Math.min(1, fraction);
    if (!(next > last)) return;
    last = next;
    try {
      onProgress?.({ stage, fraction: next });
    } catch (error) {
      (globalThis.reportError ?? console.error)(error);
    }
  };
  return Object.assign(report, {
    end: () => {
      last = 1;
    },
  });
}

/** Makes a function that reports the fraction of one step as the share from `from` to `to`. */
export const portion =
  (report: OnFraction, from: number, to: number): OnFraction =>
  (fraction) =>
    report(from + (to - from) * Math.min(1, fraction));
