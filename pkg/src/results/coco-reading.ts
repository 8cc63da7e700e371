import { SegmenterError } from '../common/errors.js';
import type { Box, CocoRle, Rle } from '../common/types.js';
import { unionMasks } from './algebra.js';
import { fillRing } from './raster.js';
import { checkSameSize, sizeOfPhoto } from './runs.js';
import { encodeSpans, spansOf } from './spans.js';

/** The shape in an annotation of a COCO file. */
export interface CocoShape {
  /**
   * A run-length encoding, compressed or not, or a list of polygons. A polygon is a ring of corners
   * x0, y0, x1, y1, ... in pixels, which need not be whole numbers.
   */
  segmentation?: CocoRle | readonly (readonly number[])[] | undefined;
  /** A box in pixels. */
  bbox?: Readonly<Box> | undefined;
}

/**
 * Makes a mask from an annotation of a COCO file whose photo has this width and height in pixels.
 * The mask is the annotation's run-length encoding, or everything that its polygons cover, or its
 * box if it has neither. Its pixels are those that pycocotools gives.
 *
 * @throws {TypeError} if a side is not a whole number of pixels.
 * @throws {SegmenterError} 'invalid-prompt' if the annotation has no shape or a malformed one,
 * 'size-mismatch' if its encoding has another size.
 */
export function cocoToRle(annotation: CocoShape, width: number, height: number): Rle {
  const size = sizeOfPhoto(width, height);
  const { segmentation, bbox } = annotation;
  if (segmentation && !Array.isArray(segmentation)) {
    // `isArray` does not narrow lists that are read-only, so TypeScript needs the type here.
    const spans = spansOf(segmentation as CocoRle);
    checkSameSize(size, spans.size);
    return encodeSpans(spans);
  }
  const rings: readonly (readonly number[])[] = segmentation?.length
    ? segmentation
    : Array.isArray(bbox)
      ? [ringOf(bbox as Readonly<Box>)]
      : [];
  if (rings.length === 0)
    throw invalid('The annotation has neither a segmentation nor a bbox. Leave it out.');
  for (const ring of rings) checkRing(ring);
  const [first, ...others] = rings.map((ring) => encodeSpans(fillRing(ring, size))) as [
    Rle,
    ...Rle[],
  ];
  return unionMasks(first, ...others);
}

const invalid = (message: string): SegmenterError => new SegmenterError('invalid-prompt', message);

function ringOf([x, y, width, height]: Readonly<Box>): number[] {
  return [x, y, x, y + height, x + width, y + height, x + width, y];
}

function checkRing(ring: unknown): void {
  if (
    Array.isArray(ring) &&
    ring.length >= 6 &&
    ring.length % 2 === 0 &&
    ring.every(Number.isFinite)
  )
    return;
  throw invalid(
    'A polygon needs at least three corners: a flat list of numbers x0, y0, x1, y1, ... in pixels.',
  );
}
