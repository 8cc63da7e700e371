// This file recognizes files with several frames. A browser's decoder would silently give the first
// one. The program recognizes animations in the formats that it decodes itself.
import { hasText } from './bytes.js';

/** Says whether a file is an animated GIF, or a sequence of images in the format AVIF or HEIC. */
export const isAnimated = (file: Uint8Array): boolean =>
  hasText(file, 0, 'GIF8') ? hasSecondFrame(file) : isSequence(file);

/** A GIF file has a header and then blocks. A block with a frame begins with a comma (0x2c). */
function hasSecondFrame(file: Uint8Array): boolean {
  const tableBytes = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  let at = 13 + tableBytes(file[10] ?? 0);
  for (let frames = 0; at < file.length; ) {
    if (file[at] === 0x21) {
      at += 2;
    } else if (file[at] === 0x2c) {
      if (++frames === 2) return true;
      at += 11 + tableBytes(file[at + 9] ?? 0);
    } else {
      return false;
    }
    // The data of a block is in pieces. Each has its length before it, and the last has length 0.
    while (file[at]) at += 1 + file[at]!;
    at++;
  }
  return false;
}

/**
 * The first box of such a file lists the kinds (brands) that it conforms to: the main brand, a
 * version, and the other brands.
 */
function isSequence(file: Uint8Array): boolean {
  if (!hasText(file, 4, 'ftyp')) return false;
  const end = Math.min(file.length, new DataView(file.buffer, file.byteOffset).getUint32(0));
  // HEIC stills may list the brands of sequences among the others, so only the main brand counts.
  // AVIF stills do not list the brand of sequences.
  if (['msf1', 'hevc', 'hevx'].some((brand) => hasText(file, 8, brand))) return true;
  for (let at = 8; at < end; at += 4) if (hasText(file, at, 'avis')) return true;
  return false;
}
