import type { Progress } from '../common/types.js';

type OnFraction = (fraction: number) => void;

/**
 * Passes on fractions that rise, and only those. What the page's own function throws is reported as the page's error, and no call fails
 * because of it.
 */
export function reporter(stage: Progress['stage'], onProgress: ((progress: Progress) => void) | undefined): OnFraction {
  let last = -1;
  return (fraction) => {
    const next = Math.min(1, fraction);
    if (!(next > last)) return;
    last = next;
    try {
      onProgress?.({ stage, fraction: next });
    } catch (error) {
      (globalThis.reportError ?? console.error)(error);
    }
  };
}

/** The share from `from` to `to` of a larger piece of work. */
export const portion =
  (report: OnFraction, from: number, to: number): OnFraction =>
  (fraction) =>
    report(from + (to - from) * Math.min(1, fraction));
