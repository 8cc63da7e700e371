import type { CocoRle, Mask, Rle, Scene } from '../common/types.js';
import { subtractMasks } from './algebra.js';
import { columnSpans, encodeSpans, type MaskOrRle, spansOf } from './spans.js';

/**
 * The weights of four numbers from 0 to 1. Each number is raised to the power of its weight, and
 * then all are multiplied. The numbers are the mask's score, its share of the photo, how near its
 * middle is to the photo's middle (0 in a corner), and how much of the photo's border it leaves
 * free.
 */
const WEIGHTS = { score: 1, size: 0.5, centre: 1, border: 3 };
/**
 * What covers more of the border than this counts as background, such as a wall, a floor or the
 * sky.
 */
const MOST_BORDER = 0.5;

/**
 * Gives the entity that a person would call the subject of the photo. It is large, in the middle,
 * found with a high score, and not along the borders. An entity that covers more than half of the
 * photo's border is never the subject. The result is null if the scene has no other entity.
 *
 * This is a rule about positions and sizes. It knows nothing about what things are.
 *
 * @throws {SegmenterError} 'invalid-prompt' or 'size-mismatch' if a mask has no valid run-length
 * encoding.
 */
export function subjectOf<Code extends CocoRle = Rle>({ masks }: Scene<Code>): Mask<Code> | null {
  let [subject, best]: [Mask<Code> | null, number] = [null, -Infinity];
  for (const mask of masks) {
    if (mask.level !== 'entity') continue;
    const { size, centre, border } = measure(mask.rle);
    if (size === 0 || border > MOST_BORDER) continue;
    const value =
      mask.score ** WEIGHTS.score *
      size ** WEIGHTS.size *
      centre ** WEIGHTS.centre *
      (1 - border) ** WEIGHTS.border;
    if (value > best) [subject, best] = [mask, value];
  }
  return subject;
}

/**
 * Gives the mask of everything that is not the subject. Without a subject it is everything that is
 * in no entity.
 *
 * @throws {SegmenterError} 'size-mismatch' if a mask does not have the scene's size, and the errors
 * of `decodeRle`.
 */
export function backgroundOf({ width, height, masks }: Scene<CocoRle>, subject?: MaskOrRle): Rle {
  const total = width * height;
  const photo = encodeSpans({ size: [height, width], ends: total > 0 ? [0, total] : [] });
  return subtractMasks(
    photo,
    ...(subject === undefined ? masks.filter(({ level }) => level === 'entity') : [subject]),
  );
}

/**
 * Gives three numbers from 0 to 1: the mask's share of the photo, how near it is to the photo's
 * middle, and its share of the photo's border.
 */
function measure(rle: CocoRle): { size: number; centre: number; border: number } {
  const spans = spansOf(rle);
  const [height, width] = spans.size;
  const { x, top, bottom } = columnSpans(spans);
  let [area, sumX, sumY, border] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const length = bottom[i]! - top[i]!;
    area += length;
    sumX += length * (x[i]! + 0.5);
    sumY += (length * (top[i]! + bottom[i]!)) / 2;
    if (x[i] === 0 || x[i] === width - 1) border += length;
    else border += Number(top[i] === 0) + Number(bottom[i] === height && height > 1);
  }
  const whole = width === 1 || height === 1 ? width * height : 2 * (width + height) - 4;
  const offset =
    Math.hypot(sumX / area - width / 2, sumY / area - height / 2) / (Math.hypot(width, height) / 2);
  return { size: area / (width * height), centre: 1 - offset, border: border / whole };
}
