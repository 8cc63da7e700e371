// Besides its pixels, a file can have a colour profile and an orientation (EXIF). The program
// applies orientations but ignores profiles. Browsers apply profiles, and only some of them apply
// the orientation of WebP and PNG files. This file finds out whether the two can differ.
import { hasText } from './bytes.js';

/**
 * Says whether browsers may show the file with other colours or in another orientation than the
 * program does.
 */
export function isShownDifferently(file: Uint8Array): boolean {
  if (hasText(file, 0, '\xff\xd8\xff')) return isJpegShownDifferently(file);
  if (hasText(file, 0, '\x89PNG\r\n\x1a\n')) return isPngShownDifferently(file);
  if (hasText(file, 0, 'RIFF') && hasText(file, 8, 'WEBP')) return isWebpShownDifferently(file);
  return false;
}

const textOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
/** Reads a number of 2 or 4 bytes. It is 0 if the file has ended. */
const read = (bytes: Uint8Array, at: number, length: 2 | 4, isLittle = false): number => {
  const digits = [...bytes.subarray(at, at + length)];
  if (digits.length < length) return 0;
  return (isLittle ? digits.reverse() : digits).reduce((sum, digit) => 256 * sum + digit, 0);
};

/**
 * A JPEG file has its profile in segments before the first scan. Only the first segment is read,
 * because the profile's name is near its beginning.
 */
function isJpegShownDifferently(file: Uint8Array): boolean {
  const NAME = 'ICC_PROFILE\0';
  for (let at = 2; file[at] === 0xff && file[at + 1] !== 0xda; ) {
    if (file[at + 1] === 0xff) {
      at++; // padding
      continue;
    }
    const end = at + 2 + Math.max(2, read(file, at + 2, 2));
    if (file[at + 1] === 0xe2 && hasText(file, at + 4, NAME))
      return !isSrgb(file.subarray(at + 4 + NAME.length + 2, end));
    at = end;
  }
  return false;
}

/**
 * A PNG file can describe its colours in several chunks. The order here is that of the PNG
 * standard, and only the first description counts.
 */
function isPngShownDifferently(file: Uint8Array): boolean {
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at + 8 <= file.length; ) {
    const end = at + 8 + read(file, at, 4);
    chunks.set(textOf(file.subarray(at + 4, at + 8)), file.subarray(at + 8, end));
    at = end + 4;
  }
  if (isTurned(chunks.get('eXIf'))) return true;
  const coding = chunks.get('cICP');
  if (coding) return coding[0] !== 1 || coding[1] !== 13;
  const profile = chunks.get('iCCP');
  // The profile is compressed, but its name is not.
  if (profile) return !textOf(profile.subarray(0, 80)).startsWith('sRGB');
  if (chunks.has('sRGB')) return false;
  const [gamma, white] = [chunks.get('gAMA'), chunks.get('cHRM')];
  const SRGB = [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000];
  const isNear = (bytes: Uint8Array, numbers: number[], most: number) =>
    numbers.every((number, i) => Math.abs(read(bytes, 4 * i, 4) - number) <= most);
  return (
    (gamma !== undefined && !isNear(gamma, [45455], 500)) ||
    (white !== undefined && !isNear(white, SRGB, 100))
  );
}

function isWebpShownDifferently(file: Uint8Array): boolean {
  for (let at = 12; at + 8 <= file.length; ) {
    const length = read(file, at + 4, 4, true);
    const data = file.subarray(at + 8, at + 8 + length);
    if (hasText(file, at, 'ICCP') && !isSrgb(data)) return true;
    if (hasText(file, at, 'EXIF') && isTurned(data)) return true;
    at += 8 + length + (length % 2);
  }
  return false;
}

/** Recognizes a profile of sRGB by its description, whose letters have one byte or two. */
function isSrgb(profile: Uint8Array): boolean {
  const count = Math.min(100, read(profile, 128, 4));
  for (let at = 132; at < 132 + 12 * count; at += 12) {
    if (!hasText(profile, at, 'desc')) continue;
    const from = read(profile, at + 4, 4);
    const description = profile.subarray(from, from + Math.min(300, read(profile, at + 8, 4)));
    // The text comes after the type of the entry and some numbers.
    const letters = textOf(
      description.subarray(hasText(description, 0, 'mluc') ? 28 : 12),
    ).replaceAll('\0', '');
    return letters.startsWith('sRGB');
  }
  return false;
}

/** Says whether EXIF data has an orientation other than upright. */
function isTurned(exif: Uint8Array | undefined): boolean {
  if (!exif) return false;
  const tiff = hasText(exif, 0, 'Exif\0\0') ? exif.subarray(6) : exif;
  const isLittle = hasText(tiff, 0, 'II');
  const ORIENTATION = 0x0112;
  const from = read(tiff, 4, 4, isLittle);
  const count = read(tiff, from, 2, isLittle);
  for (let at = from + 2; at < Math.min(tiff.length, from + 2 + 12 * count); at += 12) {
    if (read(tiff, at, 2, isLittle) === ORIENTATION)
      return ![0, 1].includes(read(tiff, at + 8, 2, isLittle));
  }
  return false;
}
