/**
 * The name of the browser's class that a value is of, such as 'File' or 'ImageBitmap'. `instanceof` would not do: each frame and each
 * popup has classes of its own, and what they make is as good as what is made here.
 */
export const classNameOf = (value: unknown): string => Object.prototype.toString.call(value).slice('[object '.length, -1);

export const isFile = (value: unknown): value is Blob => ['Blob', 'File'].includes(classNameOf(value));
