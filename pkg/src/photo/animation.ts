// Files of several pictures, which a browser would show the first of. The wasm side tells those of the formats that it knows.
import { hasText } from './bytes.js';

/** Whether a file is an animated GIF, or a sequence of pictures in the formats AVIF or HEIC. */
export const isAnimated = (file: Uint8Array): boolean => (hasText(file, 0, 'GIF8') ? hasSecondFrame(file) : isSequence(file));

/** A GIF is a head and blocks; those of pictures begin with a comma. */
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
    // Data comes in pieces, each with its length before it, until one of length 0.
    while (file[at]) at += 1 + file[at]!;
    at++;
  }
  return false;
}

/** The first box of the file names the kinds of file that it is: the main one, a version, and the others. */
function isSequence(file: Uint8Array): boolean {
  if (!hasText(file, 4, 'ftyp')) return false;
  const end = Math.min(file.length, new DataView(file.buffer, file.byteOffset).getUint32(0));
  // Stills may say that readers of HEIC sequences can read them, but none says so of AVIF sequences.
  if (['msf1', 'hevc', 'hevx'].some((brand) => hasText(file, 8, brand))) return true;
  for (let at = 8; at < end; at += 4) if (hasText(file, at, 'avis')) return true;
  return false;
}
