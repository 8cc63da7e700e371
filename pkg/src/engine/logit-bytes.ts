// Logits as they cross into the program and out of it: as bytes, in one piece instead of number by number.
import { kindOf } from '../common/class-name.js';
import { SegmenterError } from '../common/errors.js';
import type { Candidate, MaskLogits, PointPrompt, Prompt } from '../common/types.js';

interface LogitBytes {
  columns: number;
  rows: number;
  values: Uint8Array;
}

export type ProgramCandidate = Omit<Candidate, 'logits'> & { logits: LogitBytes };

/** A prompt as the program takes it. */
export function toProgram(prompt: PointPrompt | Prompt | undefined): unknown {
  if (!prompt || !('previous' in prompt) || prompt.previous === undefined) return prompt;
  return { ...prompt, previous: toBytes(prompt.previous) };
}

export function fromProgram({ logits, ...candidate }: ProgramCandidate): Candidate {
  const { values, ...size } = logits;
  // The program's bytes have a buffer of their own.
  return { ...candidate, logits: { ...size, values: new Float32Array(values.buffer as ArrayBuffer, values.byteOffset, values.length / 4) } };
}

function toBytes(logits: MaskLogits): LogitBytes {
  const { columns, rows, values } = logits ?? {};
  if (kindOf(values) !== 'Float32Array') throw new SegmenterError('invalid-prompt', '`previous` has no Float32Array of values. Pass the logits of a candidate as they are.');
  return { columns, rows, values: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}
