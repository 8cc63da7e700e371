// This file encodes image files. It decides whether the program or the browser decodes them.
import type { Checkpoint, EncodedImage, Engine } from '../../wasm/simd/aims_web.js';
import { SegmenterError, toErrorData } from '../common/errors.js';
import { decodeInBrowser, mayBrowserDecode } from '../photo/browser-decoder.js';
import { isShownDifferently } from '../photo/profile-and-orientation.js';

/**
 * Decodes a file and encodes its pixels. The program decodes most files. The browser decodes
 * those that the program does not know, and those that the browser may show differently,
 * because a file must have the size and the colours of its bitmap.
 */
export async function encodeFile(
  engine: Engine,
  file: Blob,
  checkpoint: Checkpoint,
): Promise<EncodedImage> {
  const bytes = await readImageFile(file);
  let failure: unknown;
  try {
    if (!isShownDifferently(bytes)) return await engine.setImageBytes(bytes, checkpoint);
    await checkFile(engine, bytes);
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
    return engine.setImageRgba(
      new Uint8Array(pixels.data.buffer),
      pixels.width,
      pixels.height,
      checkpoint,
    );
  if (failure) throw failure;
  return engine.setImageBytes(bytes, checkpoint);
}

/**
 * Throws if the program cannot decode the file. This is needed because browsers show part of a file
 * that is cut short, without an error.
 */
async function checkFile(engine: Engine, bytes: Uint8Array): Promise<void> {
  try {
    // The program decodes the file before its first checkpoint, and this checkpoint ends the
    // call there.
    const image = await engine.setImageBytes(bytes, async () => false);
    image.free();
  } catch (error) {
    if (toErrorData(error).code !== 'aborted') throw error;
  }
}

/** Reads an image file, or pixels that the page has put into a Blob. */
export async function readImageFile(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new SegmenterError(
      'corrupt-image',
      'The file could not be read. It may have been moved or changed since it was chosen; choose it again.',
    );
  }
}
