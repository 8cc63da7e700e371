// These functions read pixels by drawing on a canvas.
import { SegmenterError } from '../common/errors.js';

/**
 * The program has the same limit for files. It is checked here too, because reading a canvas
 * allocates memory for all its pixels.
 */
export const MAX_PIXELS = 100e6;

/** What a canvas can draw. */
export type Drawable =
  | ImageBitmap
  | HTMLCanvasElement
  | HTMLImageElement
  | HTMLVideoElement
  | OffscreenCanvas
  | VideoFrame;

/** Pixels are RGBA with 8 bits a channel, not premultiplied, row by row from the top. */
export interface Pixels {
  data: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}

/** Draws the source and reads its pixels. */
export const draw = (source: Drawable, width: number, height: number): Pixels =>
  paint(width, height, (context) => context.drawImage(source, 0, 0));

/** Converts pixels in another colour space to sRGB. */
export const convert = (source: ImageData): Pixels =>
  paint(source.width, source.height, (context) => context.putImageData(source, 0, 0));

function paint(
  width: number,
  height: number,
  put: (context: OffscreenCanvasRenderingContext2D) => void,
): Pixels {
  checkSize(width, height);
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw tooLarge(`The browser cannot draw ${width} x ${height} pixels.`);
  try {
    put(context);
    const { data } = context.getImageData(0, 0, width, height);
    return { data: data as Uint8ClampedArray<ArrayBuffer>, width, height };
  } catch (cause) {
    if (cause instanceof DOMException && cause.name === 'SecurityError') {
      throw new SegmenterError(
        'unsupported-image',
        'The browser does not let pages read these pixels. Load images of other sites with crossorigin="anonymous", from servers that allow it.',
        { cause },
      );
    }
    throw tooLarge(
      `The browser cannot read ${width} x ${height} pixels (${String(cause)}).`,
      cause,
    );
  }
}

/** @throws {SegmenterError} 'empty-image' or 'image-too-large'. */
export function checkSize(width: number, height: number): void {
  if (width === 0 || height === 0) {
    throw new SegmenterError(
      'empty-image',
      'The photo has no pixels. If it is an ImageBitmap or a VideoFrame, it may have been closed.',
    );
  }
  if (width * height > MAX_PIXELS)
    throw tooLarge(
      `The photo has ${width} x ${height} pixels; the limit is ${MAX_PIXELS / 1e6} megapixels.`,
    );
}

const tooLarge = (what: string, cause?: unknown): SegmenterError =>
  new SegmenterError('image-too-large', `${what} Scale it down.`, { cause });
