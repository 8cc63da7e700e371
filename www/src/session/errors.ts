// The texts of the banner. Messages of the library already say what is wrong and what to do.
import { type ErrorCode, SegmenterError } from 'aims-web';

const TITLES: Partial<Record<ErrorCode, string>> = {
  'unsupported-image': 'This file cannot be opened.',
  'corrupt-image': 'This photo is damaged.',
  'image-too-large': 'This photo is too large.',
  'empty-image': 'This file is empty.',
  'animated-image': 'This photo is animated.',
  'sixteen-bit-image': 'This photo has 16-bit colours.',
  'model-missing': 'The model could not be loaded.',
  'model-corrupt': 'The model file is damaged.',
  'model-version': 'The model file has the wrong version.',
  'no-webgpu': 'WebGPU is not available.',
  'unsupported-environment': 'The program cannot start here.',
  'device-lost': 'The graphics device stopped.',
  internal: 'Something went wrong in the program.',
};

export type Remedy = 'retry' | 'use-cpu';

export interface Explanation {
  title: string;
  text: string;
  remedy: Remedy | undefined;
}

export const isAbort = (error: unknown): boolean =>
  error instanceof SegmenterError && error.code === 'aborted';

export function explain(error: unknown): Explanation {
  const code = error instanceof SegmenterError ? error.code : 'internal';
  const retry =
    code.startsWith('model-') || code === 'unsupported-environment' || code === 'internal';
  return {
    title: TITLES[code] ?? 'This did not work.',
    text: error instanceof Error ? error.message : String(error),
    remedy:
      code === 'no-webgpu' || code === 'device-lost' ? 'use-cpu' : retry ? 'retry' : undefined,
  };
}
