// From masks to what canvases take.
import { traceOutline } from './outline.js';
import { decodeRle } from './rle.js';
import type { Mask } from './types.js';

/** Red, green, blue and alpha, each 0 to 255. */
export type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

type HasRle = Pick<Mask, 'rle'>;

/** The mask in one colour on a transparent ground, in the photo's size. Default: opaque white. */
export function maskToImageData({ rle }: HasRle, color: Rgba = [255, 255, 255, 255]): ImageData {
  const [height, width] = rle.size;
  const image = new ImageData(width, height);
  // Written as bytes first, so that the word has this machine's byte order.
  const word = new Uint32Array(Uint8Array.from(color).buffer)[0]!;
  const words = new Uint32Array(image.data.buffer);
  decodeRle(rle).forEach((inside, index) => {
    if (inside) words[index] = word;
  });
  return image;
}

/** The mask's outline along pixel edges, in pixels of the photo; fill, stroke or clip with it at any scale. */
export function maskToPath2D({ rle }: HasRle): Path2D {
  const path = new Path2D();
  for (const ring of traceOutline(rle)) {
    for (let i = 0; i < ring.length; i += 2) {
      if (i === 0) path.moveTo(ring[0]!, ring[1]!);
      else path.lineTo(ring[i]!, ring[i + 1]!);
    }
    path.closePath();
  }
  return path;
}
