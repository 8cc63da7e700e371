// Turns what callers have into what the worker takes. Files go as they are: decoding them on the wasm side finds
// truncated ones, which browsers show half grey, and treats EXIF orientation alike everywhere.
import { SegmenterError } from './errors.js';
import type { ImagePayload } from './protocol.js';
import type { ImageSource } from './types.js';

/** The limit the wasm side sets for files; checked here too because reading a canvas back allocates all of it. */
const MAX_PIXELS = 50e6;

type Drawable = ImageBitmap | HTMLCanvasElement | HTMLImageElement | OffscreenCanvas | VideoFrame;

/** RGBA, 8 bits, not premultiplied, rows from the top. */
export interface Pixels {
  data: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
}

export async function toPayload(source: ImageSource): Promise<ImagePayload> {
  if (source instanceof Blob) return { format: 'file', file: source };
  const { data, width, height } = await readPixels(source);
  return { format: 'rgba', pixels: new Blob([data]), width, height };
}

/** The caller's own pixels of an ImageData, copies of all others. */
export async function readPixels(source: Exclude<ImageSource, Blob>): Promise<Pixels> {
  if (source instanceof ImageData) return fromImageData(source);
  if (isA(source, 'HTMLImageElement')) {
    await source.decode().catch((cause: unknown) => {
      throw new SegmenterError('corrupt-image', 'The image element has no decodable picture. Check its address.', { cause });
    });
    return fromDrawable(source, source.naturalWidth, source.naturalHeight);
  }
  if (isA(source, 'ImageBitmap') || isA(source, 'HTMLCanvasElement') || isA(source, 'OffscreenCanvas')) {
    return fromDrawable(source, source.width, source.height);
  }
  if (isA(source, 'VideoFrame')) return fromDrawable(source, source.displayWidth, source.displayHeight);
  throw new SegmenterError(
    'unsupported-image',
    'setImage takes a Blob, ImageBitmap, ImageData, HTMLCanvasElement, HTMLImageElement, OffscreenCanvas or VideoFrame.',
  );
}

interface DrawableTypes {
  HTMLImageElement: HTMLImageElement;
  HTMLCanvasElement: HTMLCanvasElement;
  OffscreenCanvas: OffscreenCanvas;
  ImageBitmap: ImageBitmap;
  VideoFrame: VideoFrame;
}

/** `instanceof` that also holds where the class does not exist (workers have no elements). */
function isA<Name extends keyof DrawableTypes>(value: unknown, name: Name): value is DrawableTypes[Name] {
  const type = (globalThis as Record<string, unknown>)[name];
  return typeof type === 'function' && value instanceof type;
}

function fromImageData({ data, width, height }: ImageData): Pixels {
  if (!(data instanceof Uint8ClampedArray)) {
    throw new SegmenterError('sixteen-bit-image', 'The ImageData has 16 bits a channel. Create it with 8-bit pixels.');
  }
  checkSize(width, height);
  return { data: data as Uint8ClampedArray<ArrayBuffer>, width, height };
}

function fromDrawable(source: Drawable, width: number, height: number): Pixels {
  checkSize(width, height);
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new SegmenterError('image-too-large', `The browser cannot draw ${width} x ${height} pixels. Scale the picture down.`);
  try {
    context.drawImage(source, 0, 0);
    return fromImageData(context.getImageData(0, 0, width, height));
  } catch (cause) {
    throw new SegmenterError(
      'unsupported-image',
      'The browser does not let pages read these pixels. Load pictures of other sites with crossorigin="anonymous", from servers that allow it.',
      { cause },
    );
  }
}

function checkSize(width: number, height: number): void {
  if (width === 0 || height === 0) {
    throw new SegmenterError('empty-image', 'The picture has no pixels. If it is an ImageBitmap or a VideoFrame, it may have been closed.');
  }
  if (width * height > MAX_PIXELS) {
    throw new SegmenterError('image-too-large', `The picture has ${width} x ${height} pixels; the limit is ${MAX_PIXELS / 1e6} megapixels. Scale it down.`);
  }
}
