// This file writes a scene as a Photoshop document, with the package ag-psd.
import type { Layer, PixelData } from 'ag-psd';
import { SegmenterError } from '../common/errors.js';
import type { CocoRle, Mask, Rle, Scene } from '../common/types.js';
import { readPixels } from '../photo/image-source.js';
import { cropAlpha, type EdgeOptions } from './alpha.js';
import { defaultName, type NameOptions } from './graph.js';
import type { HasRle } from './rle.js';

/** These options say how layers are cut and what they are called. */
export type PsdOptions<Code extends CocoRle = Rle> = EdgeOptions & NameOptions<Code>;

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
 * `feather` and `shiftEdge` are those of `maskToAlpha`. The function also works in workers. It
 * holds all layers in memory while it writes.
 *
 * @throws {SegmenterError} 'unsupported-environment' if the package ag-psd is not installed,
 * 'size-mismatch' if the photo does not have the size of the scene, 'image-too-large' if a side is
 * longer than 30,000 pixels, and 'unsupported-image', 'corrupt-image', 'empty-image',
 * 'sixteen-bit-image' as `setImage` does.
 * @throws {TypeError} if `feather` is negative or an option is not finite.
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
  const children = [{ name: 'Photo', imageData }, ...layersOf(scene, imageData, options)];
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
function layersOf<Code extends CocoRle>(
  { masks }: Scene<Code>,
  photo: PixelData,
  options: PsdOptions<Code>,
): Layer[] {
  const { name = defaultName } = options;
  const layer = (mask: Mask<Code>): Layer => cutLayer(mask, photo, name(mask), options);
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
function cutLayer({ rle }: HasRle, photo: PixelData, name: string, options: EdgeOptions): Layer {
  const { left, top, width, height, pixels } = cropAlpha(rle, options);
  if (width === 0) return { name };
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const alpha = pixels[y * width + x]!;
      if (alpha === 0) continue;
      const to = 4 * (y * width + x);
      const from = 4 * ((top + y) * photo.width + left + x);
      for (let channel = 0; channel < 3; channel++)
        data[to + channel] = photo.data[from + channel]!;
      data[to + 3] = (photo.data[from + 3]! * alpha) / 255;
    }
  }
  return { name, left, top, imageData: { data, width, height } };
}
