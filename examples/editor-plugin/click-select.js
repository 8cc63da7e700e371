// A tool for photo editors that show the document on a canvas, at any size. A click selects the
// thing that is meant. Clicks with Shift add to the selection, and clicks with Alt remove from it.
// The tool itself draws nothing.
import { maskToAlpha, maskToPath2D, Segmenter } from 'aims-web';

/**
 * Adds the tool to a canvas. `onSelect` gets the mask and the selection, as `path` (a Path2D of its
 * outline) and as `alpha` (one byte for each pixel, with an edge that is `feather` pixels soft).
 * Both are in pixels of the canvas. Other options are those of Segmenter.create.
 */
export async function clickSelect(canvas, { onSelect, onError, feather = 2, ...options }) {
  const segmenter = await Segmenter.create(options);
  let encoded; // a promise of the document's image
  let points = [];
  let latest = new AbortController();

  const encode = () => {
    const image = segmenter.setImage(canvas);
    image.catch(() => encoded === image && (encoded = undefined)); // the next click tries again
    return (encoded = image);
  };
  const click = async (event) => {
    const pixel = pixelAt(canvas, event);
    if (!pixel) return;
    latest.abort(); // a click replaces the one before
    latest = new AbortController();
    const { signal } = latest;
    const { shiftKey, altKey } = event;
    const point = { ...pixel, label: altKey ? 0 : 1 };
    points = shiftKey || altKey ? [...points, point] : [point];
    try {
      const image = await (encoded ?? encode());
      const { masks } = await image.segment({ prompt: { kind: 'points', points }, signal });
      for (const mask of masks)
        onSelect({ mask, path: maskToPath2D(mask), alpha: maskToAlpha(mask, { feather }) });
    } catch (error) {
      if (error.name !== 'AbortError' && !signal.aborted) onError(error);
    }
  };
  /** Call this when the document's pixels have changed. */
  const changed = () => {
    latest.abort();
    encoded?.then(
      (image) => image.close(),
      () => {},
    );
    encoded = undefined;
    points = [];
  };
  const remove = () => {
    canvas.removeEventListener('click', click);
    latest.abort();
    segmenter.close();
  };
  canvas.addEventListener('click', click);
  return { changed, remove };
}

/**
 * Gives the pixel of the canvas that was clicked, wherever and however large the page shows the
 * canvas. It is undefined for clicks on the border or the padding.
 */
function pixelAt(canvas, { offsetX, offsetY }) {
  const style = getComputedStyle(canvas);
  const [left, top, right, bottom] = ['Left', 'Top', 'Right', 'Bottom'].map((side) =>
    parseFloat(style[`padding${side}`]),
  );
  const x = ((offsetX - left) * canvas.width) / (canvas.clientWidth - left - right);
  const y = ((offsetY - top) * canvas.height) / (canvas.clientHeight - top - bottom);
  return x >= 0 && y >= 0 && x < canvas.width && y < canvas.height ? { x, y } : undefined;
}
