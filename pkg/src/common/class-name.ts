/**
 * Gives the name of a value's class in the browser, such as 'File' or 'ImageBitmap'. `instanceof`
 * would not recognize objects of frames and popups, because each of those has its own classes.
 */
export const classNameOf = (value: unknown): string =>
  Object.prototype.toString.call(value).slice('[object '.length, -1);

/** Says whether a value is a Blob or a File, of this window or of another one. */
export const isFile = (value: unknown): value is Blob =>
  ['Blob', 'File'].includes(classNameOf(value));
