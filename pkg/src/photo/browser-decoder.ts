// The browser decodes files that the program does not know (AVIF, GIF, BMP, HEIC, PNG with 16 bits
// a channel) and files that it may show differently from the program.
import { SegmenterError, toErrorData } from '../common/errors.js';
import { isAnimated } from './animation.js';
import { draw, type Pixels } from './canvas-pixels.js';

/** Says whether the browser may be able to decode a file for which the program gave this error. */
export const mayBrowserDecode = (error: unknown): boolean =>
  ['unsupported-image', 'sixteen-bit-image'].includes(toErrorData(error).code);

/**
 * Gives the pixels of the whole photo, upright. The result is undefined if the browser cannot
 * decode the file either.
 */
export async function decodeInBrowser(
  { type }: Blob,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Pixels | undefined> {
  if (isAnimated(bytes))
    throw new SegmenterError(
      'animated-image',
      'The image is animated. Save one frame as a still image and try again.',
    );
  // The caller's Blob may be made of several parts, which Firefox does not decode. This one has a
  // single part.
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
    // Browsers that do not know the option turn photos upright anyway.
    return error instanceof TypeError ? createImageBitmap(file).catch(() => undefined) : undefined;
  }
}
