// Masks and photos for tests, and stand-ins for the image classes that Node lacks.
import { encodeRle } from '../dist/index.js';

/** Makes a function that gives numbers from 0 to 1, the same in every run. */
export function randomNumbers(seed) {
  return () => (seed = (seed * 48271) % 2147483647) / 2147483647;
}

/** Makes pixels from rows of text: # is inside and . is outside. */
export const pixelsOf = (...rows) =>
  Uint8Array.from(rows.flatMap((row) => [...row].map((char) => Number(char === '#'))));

/**
 * Makes a mask from pixels, which go row by row. Area and box are found by looking at each pixel.
 */
export function maskOf(pixels, width, more = {}) {
  const height = pixels.length / width;
  const inside = [...pixels.keys()].filter((i) => pixels[i]);
  const [xs, ys] = [inside.map((i) => i % width), inside.map((i) => Math.floor(i / width))];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const bbox =
    inside.length === 0
      ? [0, 0, 0, 0]
      : [left, top, Math.max(...xs) - left + 1, Math.max(...ys) - top + 1];
  return {
    id: 1,
    level: 'entity',
    score: 0.5,
    area: inside.length,
    bbox,
    rle: encodeRle(pixels, width, height),
    parent: null,
    members: [],
    ...more,
  };
}

export const textMask = (...rows) => maskOf(pixelsOf(...rows), rows[0].length);

/** Draws random discs. They add pixels, except for every third one, which removes them. */
export function blobs(random, width, height) {
  const pixels = new Uint8Array(width * height);
  for (let i = 0; i < 8; i++) {
    const [cx, cy, radius] = [
      random() * width,
      random() * height,
      1 + (random() * Math.min(width, height)) / 3,
    ];
    pixels.forEach((_, at) => {
      if (Math.hypot((at % width) - cx, Math.floor(at / width) - cy) < radius)
        pixels[at] = Number(i % 3 !== 2);
    });
  }
  return pixels;
}

/** Makes empty, full, noisy and smooth masks of many sizes: [pixels, width]. */
export function assortedMasks() {
  const random = randomNumbers(7);
  const side = (most) => 1 + Math.floor(random() * most);
  const masks = [
    [new Uint8Array(12), 4],
    [new Uint8Array(12).fill(1), 4],
    [new Uint8Array(1).fill(1), 1],
  ];
  for (const density of [0.1, 0.5, 0.9]) {
    for (let i = 0; i < 10; i++) {
      const width = side(14);
      masks.push([
        Uint8Array.from({ length: width * side(14) }, () => Number(random() < density)),
        width,
      ]);
    }
  }
  for (let i = 0; i < 10; i++) {
    const width = 8 + side(20);
    masks.push([blobs(random, width, 8 + side(20)), width]);
  }
  return masks;
}

/**
 * Makes masks whose outlines touch or nearly touch themselves: noise, chequers, rings in rings,
 * lines of one pixel, specks. Each is [pixels, width].
 */
export function raggedMasks(seed, count, side = 40) {
  const random = randomNumbers(seed);
  const below = (most) => Math.floor(random() * most);
  const kinds = [
    (width, height) =>
      Uint8Array.from(
        { length: width * height },
        (
          (density) => () =>
            Number(random() < density)
        )(0.2 + 0.6 * random()),
      ),
    (width, height) => {
      const [side, holes] = [1 + below(3), random() / 3];
      return Uint8Array.from(
        { length: width * height },
        (_, i) =>
          ((Math.floor((i % width) / side) + Math.floor(i / width / side)) % 2) ^
          Number(random() < holes),
      );
    },
    (width, height) => {
      const [cx, cy, gap, noise] = [
        random() * width,
        random() * height,
        1 + 3 * random(),
        random() / 8,
      ];
      const isRing = (i) =>
        Math.floor(Math.hypot((i % width) - cx, Math.floor(i / width) - cy) / gap) % 2;
      return Uint8Array.from(
        { length: width * height },
        (_, i) => isRing(i) ^ Number(random() < noise),
      );
    },
    (width, height) => {
      const pixels = new Uint8Array(width * height);
      for (let walks = 1 + below(4); walks > 0; walks--) {
        let [x, y, dx, dy] = [below(width), below(height), 1, 1];
        for (let steps = 0; steps < 40; steps++) {
          if (random() < 0.4) [dx, dy] = [below(3) - 1, below(3) - 1];
          [x, y] = [
            Math.min(width - 1, Math.max(0, x + dx)),
            Math.min(height - 1, Math.max(0, y + dy)),
          ];
          pixels[y * width + x] = 1;
        }
      }
      return pixels;
    },
    (width, height) =>
      blobs(random, width, height).map((inside) => inside ^ Number(random() < 0.05)),
    (width, height) => blobs(random, width, height),
  ];
  return Array.from({ length: count }, (_, i) => {
    const [width, height] = [2 + below(side), 2 + below(side)];
    return [kinds[i % kinds.length](width, height), width];
  });
}

/** Gives the corners [x, y] of a flat ring. */
export const cornersOf = (ring) =>
  Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i], ring[2 * i + 1]]);

/**
 * Gives the area, which is positive if the ring's corners [x, y] run counter-clockwise when y
 * points up.
 */
export function signedArea(corners) {
  return corners.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = corners[(i + 1) % corners.length];
    return sum + (x * nextY - nextX * y) / 2;
  }, 0);
}

/** Gives the pixels whose centres are inside rings of corners [x, y], by the even-odd rule. */
export function fill(rings, width, height) {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [px, py] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
    let crossings = 0;
    for (const ring of rings) {
      ring.forEach(([x0, y0], k) => {
        const [x1, y1] = ring[(k + 1) % ring.length];
        if (y0 > py !== y1 > py && px < x0 + ((py - y0) / (y1 - y0)) * (x1 - x0)) crossings++;
      });
    }
    return crossings % 2;
  });
}

/** The parts of ImageData that the package uses. */
export class FakeImageData {
  constructor(...args) {
    if (typeof args[0] !== 'number') this.data = args.shift();
    [this.width, this.height] = args;
    this.data ??= new Uint8ClampedArray(4 * this.width * this.height);
  }

  get [Symbol.toStringTag]() {
    return 'ImageData';
  }
}

/** Makes a photo whose pixels all differ. */
export function photoOf(width, height, alpha = 255) {
  const photo = new FakeImageData(width, height);
  for (let i = 0; i < width * height; i++)
    photo.data.set([i % 251, (i * 7) % 253, 255 - (i % 256), alpha], 4 * i);
  return photo;
}
