// These functions cut things out of photos, along a mask or along a matte.
import { SegmenterError } from '../common/errors.js';
import type { Matte, MatteColors } from '../common/matte.js';
import type { Box } from '../common/types.js';
import { cropAlpha, type EdgeOptions, trim } from './alpha.js';
import type { Crop } from './crop.js';
import type { HasRle } from './rle.js';

/** These options say how a thing is cut out. */
export interface CutOutOptions extends EdgeOptions {
  /**
   * The matte that `refine` has made of the mask, whose alpha takes the place of the mask's. It
   * cannot be feathered or shifted.
   */
  matte?: Matte | undefined;
  /**
   * With 'clean', soft pixels get the colours of the matte, if it has them. With 'photo' they keep
   * those of the photo. Default 'clean'.
   */
  colors?: 'clean' | 'photo' | undefined;
}

/**
 * Cuts the photo out along the mask, on a transparent background, and crops it to what is not
 * transparent. `cutOutBox` gives the position of that crop for the same options. The result is one
 * transparent pixel if nothing is left of the mask. The photo must be upright. A copy of another
 * size is drawn in the mask's size. Where the photo itself is transparent, so is the result.
 *
 * @throws {TypeError} if `feather` is negative, an option is not finite, or a matte is to be
 * feathered or shifted.
 * @throws {SegmenterError} 'size-mismatch' if the matte does not have the mask's size.
 */
export function cutOut(
  photo: CanvasImageSource,
  mask: HasRle,
  options: CutOutOptions = {},
): OffscreenCanvas {
  const { left, top, width, height, pixels } = alphaOf(mask, options);
  // Canvases without pixels cannot be drawn or saved.
  const canvas = new OffscreenCanvas(Math.max(1, width), Math.max(1, height));
  if (width === 0) return canvas;
  const context = canvas.getContext('2d')!;
  const image = new ImageData(width, height);
  pixels.forEach((alpha, index) => {
    image.data[4 * index + 3] = alpha;
  });
  context.putImageData(image, 0, 0);
  // Keeps the photo where the alpha below is not transparent. The photo's pixels are not read, so
  // any photo that can be drawn works.
  context.globalCompositeOperation = 'source-in';
  context.drawImage(photo, -left, -top, mask.rle.size[1], mask.rle.size[0]);
  const colors = colorsOf(options);
  if (colors) {
    // Replaces the colours of soft pixels and keeps their alpha.
    context.globalCompositeOperation = 'source-atop';
    context.drawImage(painted(colors), colors.box[0] - left, colors.box[1] - top);
  }
  return canvas;
}

/**
 * Gives the box of the canvas that `cutOut` makes with the same options, in pixels of the photo. It
 * is [0, 0, 0, 0] if nothing is left of the mask.
 *
 * @throws {TypeError | SegmenterError} the errors of `cutOut`.
 */
export function cutOutBox(mask: HasRle, options: CutOutOptions = {}): Box {
  const { left, top, width, height } = alphaOf(mask, options);
  return [left, top, width, height];
}

/** Gives the alpha of a cut-out in the smallest box around what is not transparent. */
export function alphaOf(
  { rle }: HasRle,
  { matte, ...edge }: CutOutOptions,
): Crop<Uint8ClampedArray<ArrayBuffer>> {
  if (!matte) return cropAlpha(rle, edge);
  if (edge.feather || edge.shiftEdge)
    throw new TypeError('A matte has a soft edge already. Leave out feather and shiftEdge.');
  const { width, height, data } = matte;
  if (width !== rle.size[1] || height !== rle.size[0]) {
    throw new SegmenterError(
      'size-mismatch',
      `The matte has ${width} x ${height} pixels but the mask ${rle.size[1]} x ${rle.size[0]}. Use the matte that \`refine\` made of this mask.`,
    );
  }
  return trim({ left: 0, top: 0, width, height, pixels: data });
}

/** Gives the colours that the soft pixels of a cut-out get. Without any, they keep the photo's. */
export const colorsOf = ({ matte, colors }: CutOutOptions): MatteColors | undefined =>
  colors === 'photo' ? undefined : (matte?.colors ?? undefined);

function painted({ box: [, , width, height], data }: MatteColors): OffscreenCanvas {
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}
