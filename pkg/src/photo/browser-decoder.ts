// Files that the browser decodes: those that the wasm side does not know (AVIF, GIF, BMP, HEIC, PNG with 16 bits a channel), and those that
// browsers may show differently.
import { SegmenterError, toErrorData } from '../common/errors.js';
import { isAnimated } from './animation.js';
import { type Pixels, draw } from './canvas-pixels.js';

/** Whether another decoder may do better than the wasm side, which gave this error. */
export const mayBrowserDecode = (error: unknown): boolean => ['unsupported-image', 'sixteen-bit-image'].includes(toErrorData(error).code);

/** Pixels of the whole picture, upright; undefined where the browser does not know the file either. */
export async function decodeInBrowser({ type }: Blob, bytes: Uint8Array<ArrayBuffer>): Promise<Pixels | undefined> {
  if (isAnimated(bytes)) throw new SegmenterError('animated-image', 'The image is animated. Save one frame as a still image and try again.');
  // Firefox decodes no Blob that is made of several parts, as the caller's may be.
  const bitmap = await bitmapOf(new Blob([bytes], { type }));
  if (!bitmap) return undefined;
  try {
    return draw(bitmap, bitmap.width, bitmap.height);
  } finally {
    bitmap.close();
  }
}

async function bitmapOf(file: Blob): Promise<ImageBitmap | undefined> {
  try {
    return await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch (error) {
    // Browsers that do not know the option turn pictures without it.
    return error instanceof TypeError ? createImageBitmap(file).catch(() => undefined) : undefined;
  }
}
