// Makes small image files that the package leaves to the browser in some way. They show a light
// rectangle on a dark background, in 24 x 16 pixels.
import { deflateSync } from 'node:zlib';

const WIDTH = 24;
const HEIGHT = 16;
const isInside = (x, y) => x >= 6 && x < 18 && y >= 4 && y < 12;
/**
 * @template Value
 * @param {(isInside: boolean) => Value} value
 * @returns {Value[][]}
 */
const rows = (value) =>
  Array.from({ length: HEIGHT }, (_, y) =>
    Array.from({ length: WIDTH }, (_, x) => value(isInside(x, y))),
  );

/** This file was written by Pillow, because browsers do not write AVIF. */
const AVIF =
  'AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEA' +
  'AQAAAAEAAAETAAAALgAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAGAAAABAAAAAQcGl4aQAAAAADCAgIAAAADGF2' +
  'MUOBAAwAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAANm1kYXQSAAoJGBDv7RAQ0GhAMh9F4eHhiGEkkkmUAAAAV9cqjXQpUPYTCCwyM4OG1MJe';

/** This file was written by Pillow too. It has EXIF orientation 6. */
const WEBP =
  'UklGRmYAAABXRUJQVlA4WAoAAAAIAAAAFwAADwAAVlA4TCUAAAAvF8ADAA9wOuTjmB8Fav5jCWraNmDKrPw5ra8qhIj+T0BnQqfOAEVYSUYaAAAATU0AKgAAAAgAAQESAAMAAAABAAYAAAAAA' +
  'AA=';

function bmp() {
  const pixels = rows((inside) => (inside ? [40, 200, 230] : [120, 60, 30]))
    .reverse()
    .flat(2);
  const head = Buffer.alloc(54);
  head.write('BM');
  for (const [value, at] of [
    [54 + pixels.length, 2],
    [54, 10],
    [40, 14],
    [WIDTH, 18],
    [HEIGHT, 22],
  ])
    head.writeUInt32LE(value, at);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(24, 28);
  return Buffer.concat([head, Buffer.from(pixels)]);
}

/**
 * Writes a GIF. Each pixel is a code of 3 bits. Before codes become longer, a clear code starts the
 * table again.
 */
function gif(frames) {
  const CLEAR = 4;
  const END = 5;
  const codes = [...rows((inside) => [CLEAR, inside ? 1 : 0]).flat(2), END];
  /** @type {number[]} */
  const bytes = [];
  codes.forEach((code, i) => {
    for (let bit = 0; bit < 3; bit++) {
      const at = 3 * i + bit;
      bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (((code >> bit) & 1) << (at & 7));
    }
  });
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 255)
    pieces.push(Math.min(255, bytes.length - at), ...bytes.slice(at, at + 255));
  const frame = [0x2c, 0, 0, 0, 0, WIDTH, 0, HEIGHT, 0, 0, 2, ...pieces, 0];
  const table = [30, 60, 120, 230, 200, 40, 0, 0, 0, 0, 0, 0];
  return Buffer.from([
    ...Buffer.from('GIF89a'),
    WIDTH,
    0,
    HEIGHT,
    0,
    0x81,
    0,
    0,
    ...table,
    ...Array(frames).fill(frame).flat(),
    0x3b,
  ]);
}

/**
 * Writes a grey PNG with this many bits a channel and with `before` as chunks before the pixels.
 */
function png(bits, ...before) {
  const head = Buffer.from([0, 0, 0, WIDTH, 0, 0, 0, HEIGHT, bits, 0, 0, 0, 0]);
  const pixels = rows((inside) => (inside ? [0xc8, 0x12] : [0x30, 0x34]).slice(0, bits / 8)).map(
    (row) => [0, ...row.flat()],
  );
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const chunks = [
    chunk('IHDR', head),
    ...before,
    chunk('IDAT', deflateSync(Buffer.from(pixels.flat()))),
    chunk('IEND', Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...chunks]);
}

function chunk(name, data) {
  const named = Buffer.concat([Buffer.from(name), data]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc(named));
  return Buffer.concat([size, named, check]);
}

function crc(bytes) {
  let value = 0xffff_ffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb8_8320 : value >>> 1;
  }
  return (value ^ 0xffff_ffff) >>> 0;
}

/**
 * @param {Record<string, Buffer>} files
 * @returns {Record<string, string>}
 */
const inBase64 = (files) =>
  Object.fromEntries(Object.entries(files).map(([name, file]) => [name, file.toString('base64')]));
const ORIENTATION_6 = Buffer.from([
  ...Buffer.from('MM'),
  0,
  42,
  0,
  0,
  0,
  8,
  0,
  1,
  0x01,
  0x12,
  0,
  3,
  0,
  0,
  0,
  1,
  0,
  6,
  0,
  0,
  0,
  0,
  0,
  0,
]);

/** The files in base64, in which they can be sent to a page. */
export const FILES = inBase64({
  avif: Buffer.from(AVIF, 'base64'),
  bmp: bmp(),
  gif: gif(1),
  png: png(16),
});
/** Files that some browsers turn and others do not. */
export const TURNED = inBase64({
  webp: Buffer.from(WEBP, 'base64'),
  png: png(8, chunk('eXIf', ORIENTATION_6)),
});
export const ANIMATED_GIF = gif(2).toString('base64');

// These functions make the parts of files. The most significant byte comes first.
const short = (value) => [(value >> 8) & 255, value & 255];
const long = (value) => [...short(value >>> 16), ...short(value)];
const text = (chars) => [...Buffer.from(chars)];

/** Makes a segment of a JPEG, which has its length before its data. */
const segment = (marker, data) => [0xff, marker, ...short(data.length + 2), ...data];

/**
 * Makes a segment to insert after the first two bytes of a JPEG. It says that the photo has these
 * dimensions at 72 dots per inch, but twice as many pixels in each direction.
 *
 * @param {number} width
 * @param {number} height
 */
export function at144Dpi(width, height) {
  const entry = (tag, type, value) => [
    ...short(tag),
    ...short(type),
    ...long(1),
    ...value,
    ...Array(4 - value.length).fill(0),
  ];
  const RATIONAL = 5;
  const SHORT = 3;
  const LONG = 4;
  const first = [
    entry(0x011a, RATIONAL, long(92)),
    entry(0x011b, RATIONAL, long(92)),
    entry(0x0128, SHORT, short(2)),
    entry(0x8769, LONG, long(62)),
  ];
  const second = [entry(0xa002, LONG, long(width)), entry(0xa003, LONG, long(height))];
  const list = (entries) => [...short(entries.length), ...entries.flat(), ...long(0)];
  // The lists begin at bytes 8 and 62, and the resolution at byte 92.
  return exifSegment([
    ...text('MM'),
    0,
    42,
    ...long(8),
    ...list(first),
    ...list(second),
    ...long(144),
    ...long(1),
  ]);
}

/** @param {Iterable<number>} tiff */
function exifSegment(tiff) {
  return segment(0xe1, [...text('Exif'), 0, 0, ...tiff]);
}

/**
 * A segment to insert after the first two bytes of a JPEG. It says that the camera was held upright
 * (orientation 6).
 */
export const EXIF_TURNED = exifSegment(ORIENTATION_6);

/**
 * A segment to insert after the first two bytes of a JPEG. It says that the colours are those of
 * Display P3, with a gamma of 2.2 (an ICC profile of version 2).
 */
export const P3_PROFILE = profileSegment('Display P3', {
  wtpt: [0.9642, 1, 0.8249],
  rXYZ: [0.51512, 0.2412, -0.00105],
  gXYZ: [0.29198, 0.69225, 0.04189],
  bXYZ: [0.1571, 0.06657, 0.78407],
});

/**
 * @param {string} name
 * @param {Record<string, number[]>} colours in XYZ
 */
function profileSegment(name, colours) {
  const xyz = (values) => values.flatMap((value) => long(Math.round(65536 * value)));
  const curve = [...text('curv'), ...long(0), ...long(1), 0x02, 0x33, 0, 0];
  const entries = {
    desc: [
      ...text('desc'),
      ...long(0),
      ...long(name.length + 1),
      ...text(name),
      ...Array(1 + 4 + 4 + 2 + 1 + 67).fill(0),
    ],
    cprt: [...text('text'), ...long(0), ...text('none'), 0],
    ...Object.fromEntries(
      Object.entries(colours).map(([tag, values]) => [
        tag,
        [...text('XYZ '), ...long(0), ...xyz(values)],
      ]),
    ),
    ...{ rTRC: curve, gTRC: curve, bTRC: curve },
  };
  const table = long(Object.keys(entries).length);
  const data = [];
  for (const [tag, bytes] of Object.entries(entries)) {
    table.push(
      ...text(tag),
      ...long(128 + 4 + 12 * Object.keys(entries).length + data.length),
      ...long(bytes.length),
    );
    data.push(...bytes, ...Array(-bytes.length & 3).fill(0));
  }
  const head = [
    ...long(128 + table.length + data.length),
    ...long(0),
    2,
    0x10,
    0,
    0,
    ...text('mntrRGB XYZ '),
    ...Array(12).fill(0),
    ...text('acsp'),
  ];
  const illuminant = [...Array(68 - head.length).fill(0), ...xyz([0.9642, 1, 0.8249])];
  const profile = [...head, ...illuminant, ...Array(128 - 80).fill(0), ...table, ...data];
  return segment(0xe2, [...text('ICC_PROFILE'), 0, 1, 1, ...profile]);
}
