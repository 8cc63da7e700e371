// Stand-ins for the image objects of a browser. Like objects of another window, they have class
// names that this window knows, but are not of its classes.

/** Makes an object with this class name and these properties. */
export const another = (kind, properties) =>
  Object.defineProperties(
    { [Symbol.toStringTag]: kind },
    Object.getOwnPropertyDescriptors(properties),
  );

/** Makes pixels that all have the same value. */
export const pixels = (width, height, value) =>
  new Uint8ClampedArray(4 * width * height).fill(value);

/** Makes an image whose pixels all have this value when it is drawn. */
export const picture = (kind, width, height, value, more = {}) =>
  another(kind, { width, height, value, ...more });

/** Draws images of one value, and refuses to read those of other sites. */
class Canvas {
  constructor(width, height) {
    Object.assign(this, { width, height });
  }

  getContext() {
    return this;
  }

  drawImage(source) {
    if (source.isForeign) this.isTainted = true;
    this.value = source.value;
  }

  /** Stands for a conversion of colours by adding one. */
  putImageData({ data }) {
    this.value = data[0] + 1;
  }

  getImageData(x, y, width, height) {
    if (this.isTainted)
      throw new DOMException('The canvas has been tainted by cross-origin data.', 'SecurityError');
    if (width > 5000) throw new RangeError('Out of memory at ImageData creation');
    return { width, height, data: pixels(width, height, this.value) };
  }
}

/** Makes an <img>. Its function `come` lets it load. */
export function imageElement(
  value,
  {
    width = 4,
    height = 3,
    file = [width, height],
    complete = true,
    loading = 'eager',
    src = 'photo.jpg',
  } = {},
) {
  const element = picture('HTMLImageElement', width, height, value, {
    loading,
    src,
    currentSrc: src,
    complete,
    crossOrigin: 'anonymous',
    referrerPolicy: '',
  });
  const { promise, resolve, reject } = deferred();
  if (complete) resolve();
  return Object.assign(element, {
    naturalWidth: width,
    naturalHeight: height,
    file,
    decode: () => promise,
    come: resolve,
    fail: reject,
  });
}

function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

/** The elements that were made by `new Image`. */
export const images = [];
export const bitmaps = [];

globalThis.OffscreenCanvas = Canvas;
globalThis.Image = function Image() {
  images.push(imageElement(9));
  return images.at(-1);
};
/** Makes a bitmap of an element with all pixels of its file. */
globalThis.createImageBitmap = async ({ file, value }) => {
  if (!file) throw new DOMException('The source image could not be decoded.', 'InvalidStateError');
  const [width, height] = file;
  const bitmap = picture('ImageBitmap', width, height, value, { isClosed: false });
  bitmap.close = () => (bitmap.isClosed = true);
  bitmaps.push(bitmap);
  return bitmap;
};
