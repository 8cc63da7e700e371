// Tests files that the browser may show differently: with colours other than sRGB, and WebP and PNG
// files that are turned.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isShownDifferently } from '../dist/photo/profile-and-orientation.js';

const bytes = (...parts) =>
  Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part),
    ),
  );
const big = (value) => [value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255];
const little = (value) => big(value).reverse();

/**
 * Makes the part of a colour profile that has its name. Version 2 of the format writes it in
 * letters of one byte, and version 4 in letters of two bytes.
 */
function profile(name, version = 2) {
  const wide = [...name].map((char) => `\0${char}`).join('');
  const entry =
    version === 2
      ? bytes('desc', big(0), big(name.length + 1), name, [0])
      : bytes('mluc', big(0), big(1), big(12), 'enUS', big(wide.length), big(28), wide);
  return bytes(
    Array(128).fill(0),
    big(2),
    'cprt',
    big(0),
    big(0),
    'desc',
    big(156),
    big(entry.length),
    entry,
  );
}

function exif(orientation, order = 'II', before = '') {
  const [short, long] =
    order === 'II' ? [(value) => [value, 0], little] : [(value) => [0, value], big];
  const tag = order === 'II' ? [0x12, 0x01] : [0x01, 0x12];
  const other = order === 'II' ? [0x0f, 0x01] : [0x01, 0x0f];
  return bytes(
    before,
    order,
    short(42),
    long(8),
    short(2),
    other,
    short(2),
    long(0),
    long(0),
    tag,
    short(3),
    long(1),
    short(orientation),
    [0, 0],
    long(0),
  );
}

const segment = (marker, ...parts) => {
  const data = bytes(...parts);
  return bytes([0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255], data);
};
const jpeg = (...segments) =>
  bytes(
    [0xff, 0xd8],
    segment(0xe0, 'JFIF\0'),
    ...segments,
    segment(0xda, [0]),
    [1, 2, 3, 0xff, 0xd9],
  );
const icc = (data) => segment(0xe2, 'ICC_PROFILE\0', [1, 1], data);
const png = (...chunks) =>
  bytes(
    '\x89PNG\r\n\x1a\n',
    ...[['IHDR', Array(13).fill(0)], ...chunks, ['IEND', []]].map(([name, data]) =>
      bytes(big(data.length), name, data, big(0)),
    ),
  );
const webp = (...chunks) => {
  const data = bytes(
    ...[...chunks, ['VP8L', [1, 2, 3]]].map(([name, data]) =>
      bytes(name, little(data.length), data, Array(data.length % 2).fill(0)),
    ),
  );
  return bytes('RIFF', little(data.length + 4), 'WEBP', data);
};
const colours = (...numbers) => numbers.flatMap(big);

const PROGRAMS = {
  'a JPEG without a profile': jpeg(),
  'a JPEG in sRGB': jpeg(icc(profile('sRGB IEC61966-2.1'))),
  'a JPEG in sRGB, version 4': jpeg(segment(0xe2, 'MPF\0', [1]), icc(profile('sRGB', 4))),
  'a turned JPEG, which all browsers show upright': jpeg(segment(0xe1, exif(6, 'MM', 'Exif\0\0'))),
  'a JPEG with a profile in its pixels': bytes(jpeg(), icc(profile('Display P3'))),
  'a PNG': png(['IDAT', [1]]),
  'a PNG in sRGB': png(['sRGB', [0]], ['gAMA', big(30000)], ['IDAT', [1]]),
  'a PNG with a profile of sRGB': png(['iCCP', bytes('sRGB IEC61966-2.1\0\0', [1, 2])]),
  'a PNG with the numbers of sRGB': png(
    ['gAMA', big(45455)],
    ['cHRM', colours(31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)],
  ),
  'a PNG coded as sRGB': png(['cICP', [1, 13, 0, 1]], ['iCCP', bytes('Display P3\0\0')]),
  'an upright PNG': png(['eXIf', exif(1)]),
  'a WebP': webp(),
  'an upright WebP in sRGB': webp(
    ['ICCP', profile('sRGB', 4)],
    ['EXIF', exif(1, 'MM', 'Exif\0\0')],
  ),
  'a WebP with broken EXIF': webp(['EXIF', bytes('II', [42, 0], little(5000))]),
  'another format': bytes('GIF89a'),
  nothing: bytes(),
};
const BROWSERS = {
  'a JPEG in P3': jpeg(icc(profile('Display P3', 4))),
  'a JPEG in ProPhoto, behind padding': jpeg(
    [0xff, 0xff],
    icc(profile('ProPhoto RGB')).subarray(1),
  ),
  'a JPEG with a profile without a name': jpeg(icc(Array(140).fill(0))),
  'a PNG in P3': png(['iCCP', bytes('Display P3\0\0', [1, 2])], ['sRGB', [0]]),
  'a PNG coded as P3': png(['cICP', [12, 13, 0, 1]]),
  'a dark PNG': png(['gAMA', big(100000)]),
  'a PNG with wide colours': png(
    ['gAMA', big(45455)],
    ['cHRM', colours(31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)],
  ),
  'a turned PNG with EXIF at its end': png(['sRGB', [0]], ['IDAT', [1]], ['eXIf', exif(6, 'MM')]),
  'a WebP in P3': webp(['ICCP', profile('Display P3')]),
  'a turned WebP': webp(['EXIF', exif(6, 'MM')]),
  'a turned WebP with EXIF as in a JPEG': webp(['EXIF', exif(8, 'II', 'Exif\0\0')]),
};

for (const [files, isOfBrowsers] of [
  [PROGRAMS, false],
  [BROWSERS, true],
]) {
  for (const [name, file] of Object.entries(files)) {
    test(`${name}: ${isOfBrowsers ? 'the browser' : 'the program'}`, () =>
      assert.equal(isShownDifferently(file), isOfBrowsers));
  }
}

test('files that are cut short anywhere are read without a failure', () => {
  for (const file of [...Object.values(PROGRAMS), ...Object.values(BROWSERS)]) {
    for (let length = 0; length < file.length; length++)
      isShownDifferently(Uint8Array.from(file).subarray(0, length));
  }
});
