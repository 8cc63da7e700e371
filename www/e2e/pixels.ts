// Reads exported pictures.
import type { Point } from './demo.js';

export interface Pixels {
  width: number;
  /** RGBA, row by row. */
  data: Buffer;
}

interface Decoded {
  width: number;
  text: string;
}

/** Decodes a PNG in the page. Bytes go there and back as text, which is quick. */
export async function pixelsOf(
  page: { evaluate(body: (base64: string) => Promise<Decoded>, png: string): Promise<Decoded> },
  png: Buffer,
): Promise<Pixels> {
  const { width, text } = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const text: string[] = [];
    for (const byte of data) text.push(String.fromCharCode(byte));
    return { width: bitmap.width, text: btoa(text.join('')) };
  }, png.toString('base64'));
  return { width, data: Buffer.from(text, 'base64') };
}

export const pixelAt = ({ data, width }: Pixels, [x, y]: Point): number[] => [
  ...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4),
];

export const softPixels = ({ data }: Pixels): number =>
  data.filter((value, i) => i % 4 === 3 && value > 0 && value < 255).length;

/** Gives the pixels in which two pictures of one size differ. */
export function differences(a: Pixels, b: Pixels): Point[] {
  const points: Point[] = [];
  for (let i = 0; i < a.data.length; i += 4)
    if (a.data.readUInt32LE(i) !== b.data.readUInt32LE(i))
      points.push([(i / 4) % a.width, Math.floor(i / 4 / a.width)]);
  return points;
}
