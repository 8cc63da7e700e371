// This file writes a scene as a Photoshop document, with the package ag-psd.
import type { Layer, PixelData } from 'ag-psd';
import { SegmenterError } from '../common/errors.js';
import type { Matte, MatteColors } from '../common/matte.js';
import type { CocoRle, Mask, Rle, Scene } from '../common/types.js';
import { readPixels } from '../photo/image-source.js';
import type { EdgeOptions } from './alpha.js';
import { alphaOf, type CutOutOptions, colorsOf } from './cut-out.js';
import { defaultName, type NameOptions } from './graph.js';
import type { HasRle } from './rle.js';

/** These options say how layers are cut and what they are called. */
export type PsdOptions<Code extends CocoRle = Rle> = EdgeOptions &
  NameOptions<Code> & {
    /**
     * Gives the matte that `refine` has made of a mask, or undefined if the layer is to be cut along
     * the mask. It is called for one mask after the other.
     */
    matte?: ((mask: Mask<Code>) => Matte | Promise<Matte> | undefined) | undefined;
  };

/** The longest side, in pixels, that the format allows. */
const MAX_SIDE = 30_000;

/**
 * Makes a layered Photoshop document (PSD) from a scene. The lowest layer is the photo. Above it is
 * the group 'Relations', folded and hidden, with a layer for each relation. Then there is a layer
 * for each entity, the largest first. An entity with parts is a group with its own layer and one
 * for each part. Parts that belong to no entity come last. Each layer is cropped to its mask and
 * has the photo's pixels in their place. All layers blend normally, so the document looks like the
 * photo until a layer is changed.
 *
 * `feather` and `shiftEdge` are those of `maskToAlpha`. A layer with a matte is cut as `cutOut` does
 * it. The function also works in workers. It holds all layers in memory while it writes.
 *
 * @throws {SegmenterError} 'unsupported-environment' if the package ag-psd is not installed,
 * 'size-mismatch' if the photo or a matte does not have the size of the scene, 'image-too-large' if
 * a side is longer than 30,000 pixels, and 'unsupported-image', 'corrupt-image', 'empty-image',
 * 'sixteen-bit-image' as `setImage` does.
 * @throws {TypeError} if `feather` is negative, an option is not finite, or a matte is to be
 * feathered or shifted. Errors of `matte` are passed on.
 */
export async function sceneToPsd<Code extends CocoRle = Rle>(
  scene: Scene<Code>,
  photo: ImageData | ImageBitmap | HTMLImageElement | HTMLCanvasElement | OffscreenCanvas,
  options: PsdOptions<Code> = {},
): Promise<Blob> {
  // The pixels are read before anything is waited for, so they are those at the time of the call.
  const [imageData, { writePsd }] = await Promise.all([readPixels(photo), loadAgPsd()]);
  const { width, height } = scene;
  if (Math.max(width, height) > MAX_SIDE) {
    throw new SegmenterError(
      'image-too-large',
      `PSD files have at most ${MAX_SIDE} pixels a side, not ${width} x ${height}. Scale the photo down.`,
    );
  }
  if (imageData.width !== width || imageData.height !== height) {
    throw new SegmenterError(
      'size-mismatch',
      `The photo has ${imageData.width} x ${imageData.height} pixels but the scene ${width} x ${height}.`,
    );
  }
  const children = [{ name: 'Photo', imageData }, ...(await layersOf(scene, imageData, options))];
  return new Blob([writePsd({ width, height, imageData, children })], {
    type: 'image/vnd.adobe.photoshop',
  });
}

async function loadAgPsd(): Promise<typeof import('ag-psd')> {
  try {
    return await import('ag-psd');
  } catch (cause) {
    throw new SegmenterError(
      'unsupported-environment',
      'PSD files are written by the package ag-psd, which could not be loaded. Install it: npm install ag-psd',
      { cause },
    );
  }
}

/** Makes the layers above the photo. As in PSD files, the lowest layer comes first. */
async function layersOf<Code extends CocoRle>(
  { masks }: Scene<Code>,
  photo: PixelData,
  { name = defaultName, matte, ...edge }: PsdOptions<Code>,
): Promise<Layer[]> {
  const cut = new Map<Mask<Code>, Layer>();
  for (const mask of masks) {
    const options = { ...edge, matte: await matte?.(mask) };
    cut.set(mask, { name: name(mask), ...cutLayer(mask, photo, options) });
  }
  const layer = (mask: Mask<Code>): Layer => cut.get(mask)!;
  // Large things come first, so that small things above them stay visible.
  const sorted = [...masks].sort((a, b) => b.area - a.area);
  const relations = sorted.filter(({ level }) => level === 'relation').map(layer);
  const entities = sorted.filter(({ level }) => level === 'entity');
  const parts = sorted.filter(({ level }) => level === 'part');
  const layers: Layer[] = [];
  if (relations.length > 0)
    layers.push({ name: 'Relations', hidden: true, opened: false, children: relations });
  for (const entity of entities) {
    const own = parts.filter(({ parent }) => parent === entity.id).map(layer);
    layers.push(
      own.length > 0 ? { name: name(entity), children: [layer(entity), ...own] } : layer(entity),
    );
  }
  const ids = new Set(entities.map(({ id }) => id));
  return [
    ...layers,
    ...parts.filter(({ parent }) => parent === null || !ids.has(parent)).map(layer),
  ];
}

/**
 * Cuts a layer out of the photo. Pixels that are fully transparent become black, so that a file
 * shows no more than its masks and compresses well.
 */
function cutLayer(mask: HasRle, photo: PixelData, options: CutOutOptions): Layer {
  const { left, top, width, height, pixels } = alphaOf(mask, options);
  if (width === 0) return {};
  const colors = colorsOf(options);
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const alpha = pixels[y * width + x]!;
      if (alpha === 0) continue;
      const to = 4 * (y * width + x);
      const from = 4 * ((top + y) * photo.width + left + x);
      const own = colors ? placeIn(colors, left + x, top + y) : undefined;
      for (let channel = 0; channel < 3; channel++) {
        data[to + channel] =
          own === undefined ? photo.data[from + channel]! : colors!.data[own + channel]!;
      }
      data[to + 3] = (photo.data[from + 3]! * alpha) / 255;
    }
  }
  return { left, top, imageData: { data, width, height } };
}

/** Gives where the colours have this pixel of the photo. It is undefined if they do not have it. */
function placeIn({ box, data }: MatteColors, x: number, y: number): number | undefined {
  const [left, top, width, height] = box;
  if (x < left || y < top || x >= left + width || y >= top + height) return undefined;
  const place = 4 * ((y - top) * width + x - left);
  return data[place + 3] === 0 ? undefined : place;
}
