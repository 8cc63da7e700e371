// This file reads <img> elements. They may still be loading, and their natural size may be smaller
// than their file's.
import { SegmenterError } from '../common/errors.js';
import { draw, type Pixels } from './canvas-pixels.js';

/** Waits for the element to load and gives all pixels of its file that the browser has. */
export async function readElement(element: HTMLImageElement): Promise<Pixels> {
  const loaded = isPutOff(element) ? eagerCopy(element) : element;
  await loaded.decode().catch((cause: unknown) => {
    throw new SegmenterError(
      'corrupt-image',
      'The image element has no image that can be decoded. Check its address.',
      { cause },
    );
  });
  // The natural size is in CSS pixels. With `srcset`, or if the file names a resolution, the file
  // has more pixels than that. Its bitmap has all of them.
  const { naturalWidth, naturalHeight } = loaded;
  const bitmap = await createImageBitmap(loaded).catch(() => undefined);
  try {
    if (bitmap && bitmap.width * bitmap.height > naturalWidth * naturalHeight)
      return draw(bitmap, bitmap.width, bitmap.height);
    return draw(loaded, naturalWidth, naturalHeight);
  } finally {
    bitmap?.close();
  }
}

/** Says whether the browser waits for the element to come into view, which may never happen. */
const isPutOff = ({ loading, complete }: HTMLImageElement): boolean =>
  loading === 'lazy' && !complete;

/** Makes an element for the same image, which the browser loads at once. */
function eagerCopy({
  currentSrc,
  src,
  crossOrigin,
  referrerPolicy,
}: HTMLImageElement): HTMLImageElement {
  const copy = new Image();
  copy.crossOrigin = crossOrigin;
  copy.referrerPolicy = referrerPolicy;
  copy.src = currentSrc || src;
  return copy;
}
