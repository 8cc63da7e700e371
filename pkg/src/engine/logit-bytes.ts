// Logits go into the program and come out of it as bytes. One copy of all bytes is much faster
// than a conversion of each number.
import { classNameOf } from '../common/class-name.js';
import { SegmenterError } from '../common/errors.js';
import type { Candidate, MaskLogits, PointPrompt, Prompt } from '../common/types.js';

interface LogitBytes {
  columns: number;
  rows: number;
  values: Uint8Array;
}

export type ProgramCandidate = Omit<Candidate, 'logits'> & { logits: LogitBytes };

/** Gives the prompt with its logits, if it has any, as bytes. */
export function toProgram(prompt: PointPrompt | Prompt | undefined): unknown {
  if (!prompt || !('previous' in prompt) || prompt.previous === undefined) return prompt;
  return { ...prompt, previous: toBytes(prompt.previous) };
}

/** Gives the candidate with its logits as numbers. */
export function fromProgram({ logits, ...candidate }: ProgramCandidate): Candidate {
  const { values, ...size } = logits;
  // The bytes are a copy with a buffer of its own, so the numbers can share that buffer.
  return {
    ...candidate,
    logits: {
      ...size,
      values: new Float32Array(values.buffer as ArrayBuffer, values.byteOffset, values.length / 4),
    },
  };
}

function toBytes(logits: MaskLogits): LogitBytes {
  const { columns, rows, values } = logits ?? {};
  if (classNameOf(values) !== 'Float32Array')
    throw new SegmenterError(
      'invalid-prompt',
      '`previous` has no Float32Array of values. Pass the logits of a candidate as they are.',
    );
  return {
    columns,
    rows,
    values: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}
