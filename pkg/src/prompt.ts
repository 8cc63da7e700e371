// Prompts on their way to the program, which reads compressed codes of masks alone.
import { decodeRuns, encodeRuns, sizeOf } from './results/runs.js';
import type { CocoRle, Prompt } from './types.js';

/**
 * The prompt with its masks compressed. Whatever else it holds goes on as it is: the program checks that.
 *
 * @throws {SegmenterError} 'invalid-prompt' or 'size-mismatch' if an uncompressed code is malformed.
 */
export function withCompressedMasks(prompt: Prompt): Prompt {
  if (typeof prompt !== 'object' || prompt === null) return prompt;
  if ('mask' in prompt) return { ...prompt, mask: compressed(prompt.mask) };
  if ('masks' in prompt && Array.isArray(prompt.masks)) {
    return { ...prompt, masks: prompt.masks.map(compressed) as [CocoRle, CocoRle] };
  }
  return prompt;
}

const compressed = (code: CocoRle): CocoRle => (Array.isArray(code?.counts) ? encodeRuns(decodeRuns(code), sizeOf(code)) : code);
