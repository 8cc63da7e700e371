// Pictures in <img> elements, which load when they like and count their pixels in their own way.
import { SegmenterError } from '../common/errors.js';
import { type Pixels, draw } from './canvas-pixels.js';

/** All pixels of the element's file, as far as the browser gives them. */
export async function readElement(element: HTMLImageElement): Promise<Pixels> {
  const loaded = isPutOff(element) ? eagerCopy(element) : element;
  await loaded.decode().catch((cause: unknown) => {
    throw new SegmenterError('corrupt-image', 'The image element has no decodable picture. Check its address.', { cause });
  });
  // The natural size counts CSS pixels. With `srcset`, or a resolution that the file names, the file has more, and so has its bitmap.
  const { naturalWidth, naturalHeight } = loaded;
  const bitmap = await createImageBitmap(loaded).catch(() => undefined);
  try {
    if (bitmap && bitmap.width * bitmap.height > naturalWidth * naturalHeight) return draw(bitmap, bitmap.width, bitmap.height);
    return draw(loaded, naturalWidth, naturalHeight);
  } finally {
    bitmap?.close();
  }
}

/** Browsers load such an element only once it comes into view, which may be never. */
const isPutOff = ({ loading, complete }: HTMLImageElement): boolean => loading === 'lazy' && !complete;

function eagerCopy({ currentSrc, src, crossOrigin, referrerPolicy }: HTMLImageElement): HTMLImageElement {
  const copy = new Image();
  copy.crossOrigin = crossOrigin;
  copy.referrerPolicy = referrerPolicy;
  copy.src = currentSrc || src;
  return copy;
}
