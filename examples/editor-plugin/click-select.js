// A tool for photo editors that show the document on a canvas, pixel for pixel: a click selects the thing that is meant, clicks with
// Shift add to it, with Alt take away. It draws nothing.
import { Segmenter, maskToAlpha, maskToPath2D } from 'aims-web';

/**
 * `onSelect` gets the selection as `path` (a Path2D, for its outline) and as `alpha` (a byte a pixel, its edge `feather` pixels soft).
 * Other options are those of Segmenter.create.
 */
export async function clickSelect(canvas, { onSelect, onError, feather = 2, ...options }) {
  const segmenter = await Segmenter.create(options);
  let encoded; // a promise of the document's image
  let points = [];
  let latest = new AbortController();

  const click = async ({ offsetX, offsetY, shiftKey, altKey }) => {
    latest.abort(); // a click takes the place of the one before
    latest = new AbortController();
    const point = { x: offsetX, y: offsetY, label: altKey ? 0 : 1 };
    points = shiftKey || altKey ? [...points, point] : [point];
    try {
      const image = await (encoded ??= segmenter.setImage(canvas));
      const { masks } = await image.segment({ prompt: { kind: 'points', points }, signal: latest.signal });
      for (const mask of masks) onSelect({ mask, path: maskToPath2D(mask), alpha: maskToAlpha(mask, { feather }) });
    } catch (error) {
      if (error.name !== 'AbortError') onError(error);
    }
  };
  /** To be called when the document's pixels have changed. */
  const changed = () => {
    latest.abort();
    encoded?.then((image) => image.close(), () => {});
    encoded = undefined;
  };
  const remove = () => {
    canvas.removeEventListener('click', click);
    segmenter.close();
  };
  canvas.addEventListener('click', click);
  return { changed, remove };
}
