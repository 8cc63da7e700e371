// This file turns what a page passes to setImage into what is sent to the program. Files are sent
// as they are, because the program detects files that are cut short. Browsers show those half grey.
import { classNameOf, isFile } from '../common/class-name.js';
import { SegmenterError } from '../common/errors.js';
import type { ImageSource } from '../common/types.js';
import { checkSize, convert, type Drawable, draw, type Pixels } from './canvas-pixels.js';
import { readElement } from './image-element.js';

/**
 * A photo is sent as an image file or as upright RGBA pixels: 8 bits a channel, not premultiplied,
 * row by row from the top. Both are in a Blob, because a Blob is sent without a copy and can be
 * sent again after a restart.
 */
export type ImagePayload =
  | { format: 'file'; file: Blob }
  | { format: 'rgba'; pixels: Blob; width: number; height: number };

/**
 * Gives what is sent to the program. The pixels are those at the time of the call. Only an <img>
 * may have to load first.
 */
export async function toPayload(source: ImageSource): Promise<ImagePayload> {
  if (isFile(source)) return { format: 'file', file: source };
  // The pixels of an ImageData belong to the caller, who may change them after the call. So there
  // is no `await` before the Blob has copied them.
  const { data, width, height } = isElement(source) ? await readElement(source) : readNow(source);
  return { format: 'rgba', pixels: new Blob([data]), width, height };
}

/** Gives a copy of the pixels at the time of the call. Only an <img> may have to load first. */
export async function readPixels(source: Exclude<ImageSource, Blob>): Promise<Pixels> {
  if (isElement(source)) return readElement(source);
  const { data, width, height } = readNow(source);
  return { data: classNameOf(source) === 'ImageData' ? data.slice() : data, width, height };
}

const isElement = (source: ImageSource): source is HTMLImageElement =>
  classNameOf(source) === 'HTMLImageElement';

/** Gives pixels without a wait. Those of an ImageData in sRGB are the caller's own, not a copy. */
function readNow(source: Exclude<ImageSource, Blob | HTMLImageElement>): Pixels {
  if (classNameOf(source) === 'ImageData') return fromImageData(source as ImageData);
  const { width, height } = sizeOf(source as Drawable);
  return draw(source as Drawable, width, height);
}

interface Size {
  width: number;
  height: number;
}

function sizeOf(source: Drawable): Size {
  switch (classNameOf(source)) {
    case 'ImageBitmap':
    case 'HTMLCanvasElement':
    case 'OffscreenCanvas':
      return source as Size;
    case 'VideoFrame': {
      const { displayWidth, displayHeight } = source as VideoFrame;
      return { width: displayWidth, height: displayHeight };
    }
    case 'HTMLVideoElement':
      return frameSize(source as HTMLVideoElement);
  }
  throw new SegmenterError(
    'unsupported-image',
    'setImage takes a Blob, ImageBitmap, ImageData, HTMLCanvasElement, HTMLImageElement, HTMLVideoElement, OffscreenCanvas or VideoFrame.',
  );
}

function frameSize({ readyState, videoWidth, videoHeight }: HTMLVideoElement): Size {
  const HAVE_CURRENT_DATA = 2;
  if (readyState < HAVE_CURRENT_DATA || videoWidth === 0) {
    throw new SegmenterError(
      'empty-image',
      "The video shows no frame yet. Wait for its event 'loadeddata', or after a jump for 'seeked'.",
    );
  }
  return { width: videoWidth, height: videoHeight };
}

function fromImageData(source: ImageData): Pixels {
  const { data, width, height } = source;
  if (classNameOf(data) !== 'Uint8ClampedArray') {
    throw new SegmenterError(
      'sixteen-bit-image',
      'The ImageData has 16 bits a channel. Create it with 8-bit pixels.',
    );
  }
  checkSize(width, height);
  if (data.length === 0)
    throw new SegmenterError(
      'empty-image',
      'The pixels of the ImageData were transferred to somewhere else. Pass it before.',
    );
  // A page may have created it with another colour space than sRGB.
  if ((source.colorSpace ?? 'srgb') !== 'srgb') return convert(source);
  return { data: data as Uint8ClampedArray<ArrayBuffer>, width, height };
}
