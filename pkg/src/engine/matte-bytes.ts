// The program gives mattes as bytes, which are turned into what the package returns.
import type { Matte } from '../common/matte.js';
import type { Box } from '../common/types.js';

export interface ProgramMatte {
  data: Uint8Array;
  colors: { box: Box; data: Uint8Array } | null;
}

/** Gives the matte of a photo of this size. */
export const toMatte = (
  { data, colors }: ProgramMatte,
  { width, height }: { width: number; height: number },
): Matte => ({
  data: clamped(data),
  width,
  height,
  colors: colors && { box: colors.box, data: clamped(colors.data) },
});

/** Gives the same bytes without a copy. They have a buffer of their own. */
const clamped = (bytes: Uint8Array): Uint8ClampedArray<ArrayBuffer> =>
  new Uint8ClampedArray(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
