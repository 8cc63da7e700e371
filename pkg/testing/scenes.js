// Compares the masks of a scene with those of another, by their intersection over union (IoU).
import { decodeRle } from '../dist/index.js';

/** @typedef {import('../dist/index.js').Level} Level */
/** @typedef {import('../dist/index.js').Mask} Mask */
/** @typedef {import('../dist/index.js').Mode} Mode */
/** @typedef {import('../dist/index.js').Scene} Scene */

/**
 * Masks with lower scores may differ between devices, because they are near the thresholds. Scores
 * of the mode 'learned' are lower.
 *
 * @type {Record<Mode, Record<Level | 'prompted', number>>}
 */
export const MIN_SCORES = {
  learned: { part: 0.6, entity: 0.5, relation: 0.25, prompted: 0.4 },
  grid: { part: 0.9, entity: 0.9, relation: 0.2, prompted: 0.9 },
};

/**
 * Gives the masks of one level that have at least this score.
 *
 * @param {Scene} scene
 * @param {Level} level
 * @param {number} minScore
 */
export const sure = (scene, level, minScore) =>
  scene.masks.filter((mask) => mask.level === level && mask.score >= minScore);

/**
 * Describes the masks of one level in `expected` with at least the score `minScore` that no mask of
 * `found` matches with at least `minIou`.
 *
 * @param {Scene} expected
 * @param {Scene} found
 * @param {Level} level
 * @param {number} minScore
 */
export function missing(expected, found, level, minScore, minIou = 0.9) {
  const candidates = found.masks.filter((mask) => mask.level === level);
  return sure(expected, level, minScore)
    .map((mask) => ({
      mask,
      best: Math.max(0, ...candidates.map((candidate) => iou(mask, candidate))),
    }))
    .filter(({ best }) => best < minIou)
    .map(
      ({ mask, best }) =>
        `${level} ${mask.id} (score ${mask.score.toFixed(3)}, area ${mask.area}): best IoU ${best.toFixed(3)}`,
    );
}

/**
 * @param {Pick<Mask, 'area' | 'rle'>} a
 * @param {Pick<Mask, 'area' | 'rle'>} b
 */
export function iou(a, b) {
  // This saves time: an intersection is no larger than the smaller mask.
  if (Math.min(a.area, b.area) < 0.5 * Math.max(a.area, b.area)) return 0;
  const [inA, inB] = [pixelsOf(a), pixelsOf(b)];
  let both = 0;
  inA.forEach((inside, index) => (both += inside & (inB[index] ?? 0)));
  return both / (a.area + b.area - both);
}

/** @type {WeakMap<object, Uint8Array>} */
const decoded = new WeakMap();

/** @param {Pick<Mask, 'rle'>} mask */
function pixelsOf(mask) {
  const pixels = decoded.get(mask) ?? decodeRle(mask.rle);
  decoded.set(mask, pixels);
  return pixels;
}
