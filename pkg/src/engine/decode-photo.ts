// This file decodes photos. It decides whether the program or the browser decodes a file.
import type { PhotoPixels } from '../../wasm/simd/aims_web.js';
import { SegmenterError, toErrorData } from '../common/errors.js';
import { decodeInBrowser, mayBrowserDecode } from '../photo/browser-decoder.js';
import type { ImagePayload } from '../photo/image-source.js';
import { isShownDifferently } from '../photo/profile-and-orientation.js';
import type { Program } from './program.js';

type Decoder = Program['photo'];

/** Gives the pixels of a photo that the page has sent. The caller frees them. */
export async function decodePhoto(decoder: Decoder, image: ImagePayload): Promise<PhotoPixels> {
  if (image.format === 'file') return decodeFile(decoder, image.file);
  return decoder.fromRgba(await readImageFile(image.pixels), image.width, image.height);
}

/**
 * Decodes a file. The program decodes most files. The browser decodes those that the program does
 * not know, and those that the browser may show differently, because a file must have the size and
 * the colours of its bitmap.
 */
async function decodeFile(decoder: Decoder, file: Blob): Promise<PhotoPixels> {
  const bytes = await readImageFile(file);
  let failure: unknown;
  try {
    const pixels = decoder.decode(bytes);
    if (!isShownDifferently(bytes)) return pixels;
    // The program had to decode the file too, because browsers show part of a file that is cut
    // short, without an error.
    pixels.free();
  } catch (error) {
    if (!mayBrowserDecode(error)) throw error;
    failure = error;
  }
  const pixels = await decodeInBrowser(file, bytes).catch((error: unknown) => {
    // A browser's canvas may take fewer pixels than the program does. If the program was able to
    // decode the file above, it decodes the file here.
    if (failure || toErrorData(error).code !== 'image-too-large') throw error;
    return undefined;
  });
  if (pixels)
    return decoder.fromRgba(new Uint8Array(pixels.data.buffer), pixels.width, pixels.height);
  if (failure) throw failure;
  return decoder.decode(bytes);
}

/** Reads an image file, or pixels that the page has put into a Blob. */
async function readImageFile(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new SegmenterError(
      'corrupt-image',
      'The file could not be read. It may have been moved or changed since it was chosen; choose it again.',
    );
  }
}
