import type { CocoRle, Mask, Rle, Scene } from '../common/types.js';
import { subtractMasks } from './algebra.js';
import { columnSpans, encodeSpans, type MaskOrRle, spansOf } from './spans.js';

/**
 * How much each of four numbers from 0 to 1 counts, as the power that it is raised to before all
 * are multiplied: the mask's score; its share of the photo; how near its middle is to the photo's,
 * 0 being a corner; and how much of the photo's border it leaves free.
 */
const WEIGHTS = { score: 1, size: 0.5, centre: 1, border: 3 };
/**
 * What covers more of the border than this is taken for background, such as a wall, a floor or the
 * sky.
 */
const MOST_BORDER = 0.5;

/**
 * Gives the entity that a person would call the subject of the photo: it is large, in the middle,
 * surely found, and not along the borders. An entity that covers more than half of the photo's
 * border is never the subject. The result is null if the scene has no other entity.
 *
 * This is a rule about places and sizes. It knows nothing of what things are.
 *
 * @throws {SegmenterError} 'invalid-prompt' or 'size-mismatch' if a mask is no run-length code.
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
 * no entity.
 *
 * @throws {SegmenterError} 'size-mismatch' if a mask is not of the scene's size; else as
 * `decodeRle`.
 */
export function backgroundOf({ width, height, masks }: Scene<CocoRle>, subject?: MaskOrRle): Rle {
  const total = width * height;
  const photo = encodeSpans({ size: [height, width], ends: total > 0 ? [0, total] : [] });
  return subtractMasks(
    photo,
    ...(subject === undefined ? masks.filter(({ level }) => level === 'entity') : [subject]),
  );
}

/** Numbers from 0 to 1: share of the photo, nearness to its middle, share of its border. */
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
