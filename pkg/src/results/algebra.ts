// These functions combine masks span by span. They make no pixels, so their time is proportional to
// the number of runs.
import type { Rle } from '../common/types.js';
import { checkSameSize } from './runs.js';
import { encodeSpans, invertSpans, type MaskOrRle, type Spans, spansOf } from './spans.js';

/**
 * Gives the mask of all pixels that are not in this one.
 *
 * @throws {SegmenterError} the errors of `decodeRle`.
 */
export function invertMask(mask: MaskOrRle): Rle {
  return encodeSpans(invertSpans(spansOf(mask)));
}

/**
 * Gives the mask of all pixels that are in any of the masks.
 *
 * @throws {SegmenterError} 'size-mismatch' if the masks differ in size, and the errors of
 * `decodeRle`.
 */
export function unionMasks(mask: MaskOrRle, ...others: readonly MaskOrRle[]): Rle {
  return combine(mask, others, (inside, inOther) => inside || inOther);
}

/**
 * Gives the mask of all pixels that are in all of the masks.
 *
 * @throws {SegmenterError} the errors of `unionMasks`.
 */
export function intersectMasks(mask: MaskOrRle, ...others: readonly MaskOrRle[]): Rle {
  return combine(mask, others, (inside, inOther) => inside && inOther);
}

/**
 * Gives the mask of all pixels that are in the first mask and in none of the others.
 *
 * @throws {SegmenterError} the errors of `unionMasks`.
 */
export function subtractMasks(mask: MaskOrRle, ...others: readonly MaskOrRle[]): Rle {
  return combine(mask, others, (inside, inOther) => inside && !inOther);
}

type Rule = (inside: boolean, inOther: boolean) => boolean;

function combine(mask: MaskOrRle, others: readonly MaskOrRle[], rule: Rule): Rle {
  return encodeSpans(
    others.map(spansOf).reduce((spans, other) => merge(spans, other, rule), spansOf(mask)),
  );
}

function merge({ size, ends }: Spans, other: Spans, rule: Rule): Spans {
  checkSameSize(size, other.size);
  const merged: number[] = [];
  for (let i = 0, j = 0; i < ends.length || j < other.ends.length; ) {
    const place = Math.min(ends[i] ?? Infinity, other.ends[j] ?? Infinity);
    if (ends[i] === place) i++;
    if (other.ends[j] === place) j++;
    // Foreground follows an odd number of ends.
    if (rule(i % 2 === 1, j % 2 === 1) !== (merged.length % 2 === 1)) merged.push(place);
  }
  return { size, ends: merged };
}
