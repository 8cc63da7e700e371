// These functions turn masks into what a canvas can draw.
import { outlineOf } from './polygons.js';
import { decodeRle, type HasRle } from './rle.js';
import type { OutlineOptions } from './simplify.js';

/** A colour has red, green, blue and alpha, each from 0 to 255. */
export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

/**
 * Paints the mask in one colour on a transparent background of the photo's size. Default: opaque
 * white.
 */
export function maskToImageData({ rle }: HasRle, color: Rgba = [255, 255, 255, 255]): ImageData {
  const pixels = decodeRle(rle);
  const [height, width] = rle.size;
  const image = new ImageData(width, height);
  // The colour is written as bytes first, so that the word has this machine's byte order.
  const word = new Uint32Array(Uint8Array.from(color).buffer)[0]!;
  const words = new Uint32Array(image.data.buffer);
  pixels.forEach((inside, index) => {
    if (inside) words[index] = word;
  });
  return image;
}

/** Paints the mask as a bitmap, which draws faster. Close it when it is no longer needed. */
export function maskToImageBitmap(mask: HasRle, color?: Rgba): Promise<ImageBitmap> {
  return createImageBitmap(maskToImageData(mask, color));
}

/**
 * Makes a path of the mask's outline in pixels of the photo, to fill, stroke or clip with at any
 * scale. It runs along the edges of pixels, or is simplified if there is a tolerance. Both fill
 * rules fill it alike.
 *
 * @throws {TypeError} if the tolerance is negative.
 */
export function maskToPath2D(mask: HasRle, options: OutlineOptions = {}): Path2D {
  const path = new Path2D();
  for (const ring of outlineOf(mask, options)) {
    for (let i = 0; i < ring.length; i += 2) {
      if (i === 0) path.moveTo(ring[0]!, ring[1]!);
      else path.lineTo(ring[i]!, ring[i + 1]!);
    }
    path.closePath();
  }
  return path;
}
