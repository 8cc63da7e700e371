// The selection is one mask that is built up from others.
import { intersectMasks, type Rle, rleArea, subtractMasks, unionMasks } from 'aims-web';

/** How a new mask and the selection become one. */
export type Combine = 'new' | 'add' | 'subtract' | 'intersect';

/**
 * Gives what the held keys mean, as in other editors. Without keys, the choice in the bar counts.
 */
export function combineFor(
  { shift, alt }: { shift: boolean; alt: boolean },
  chosen: Combine,
): Combine {
  if (shift && alt) return 'intersect';
  if (shift) return 'add';
  return alt ? 'subtract' : chosen;
}

/** Gives the new selection. It is undefined if no pixel is left. */
export function combined(selection: Rle | undefined, mask: Rle, how: Combine): Rle | undefined {
  const result = combine(selection, mask, how);
  return result && rleArea(result) > 0 ? result : undefined;
}

function combine(selection: Rle | undefined, mask: Rle, how: Combine): Rle | undefined {
  if (how === 'new') return mask;
  if (!selection) return how === 'add' ? mask : undefined;
  if (how === 'add') return unionMasks(selection, mask);
  return how === 'subtract' ? subtractMasks(selection, mask) : intersectMasks(selection, mask);
}
