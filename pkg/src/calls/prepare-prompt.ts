// This file brings prompts into the form that the program reads. The program takes only compressed
// masks.
import { SegmenterError } from '../common/errors.js';
import type { CocoRle, PointPrompt, Prompt } from '../common/types.js';
import { decodeRuns, encodeRuns, sizeOf } from '../results/runs.js';

/**
 * Gives the prompt with its masks compressed. Everything else in it stays as it is, because the
 * program checks it.
 *
 * @throws {SegmenterError} 'invalid-prompt' or 'size-mismatch' if an uncompressed mask is wrong.
 */
export function withCompressedMasks(prompt: Prompt): Prompt {
  if (typeof prompt !== 'object' || prompt === null) return prompt;
  if ('mask' in prompt) return { ...prompt, mask: compressed(prompt.mask) };
  if ('masks' in prompt && Array.isArray(prompt.masks)) {
    return { ...prompt, masks: prompt.masks.map(compressed) as [CocoRle, CocoRle] };
  }
  return prompt;
}

/**
 * Gives the prompt without its kind, which only `segment` needs. Everything else in it stays as it
 * is, because the program checks it.
 *
 * @throws {SegmenterError} 'invalid-prompt' if the prompt has another kind.
 */
export function withoutKind(prompt: PointPrompt): PointPrompt {
  if (typeof prompt !== 'object' || prompt === null || !('kind' in prompt)) return prompt;
  const { kind, ...points } = prompt;
  if (kind === 'points' || kind === undefined) return points;
  throw new SegmenterError(
    'invalid-prompt',
    `\`candidates\` takes points, a box or both, but no prompt of the kind '${String(kind)}'.`,
  );
}

/**
 * Gives the mask compressed.
 *
 * @throws {SegmenterError} 'invalid-prompt' or 'size-mismatch' if an uncompressed mask is wrong.
 */
export const compressed = (code: CocoRle): CocoRle =>
  Array.isArray(code?.counts) ? encodeRuns(decodeRuns(code), sizeOf(code)) : code;
