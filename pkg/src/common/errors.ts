/** Those of Rust, and two of what happens outside it; `pkg/test/mirrors.test.js` compares them. */
export const CODES = [
  'unsupported-image',
  'corrupt-image',
  'image-too-large',
  'empty-image',
  'animated-image',
  'sixteen-bit-image',
  'model-missing',
  'model-corrupt',
  'model-version',
  'no-webgpu',
  'unsupported-environment',
  'device-lost',
  'invalid-option',
  'invalid-prompt',
  'empty-prompt',
  'size-mismatch',
  'closed',
  'aborted',
  'internal',
] as const;

/** What went wrong, for programs; `docs/guide.md` says of each when it comes and what to do. */
export type ErrorCode = (typeof CODES)[number];

/** Every failure of this package: `code` for programs, `message` for people (what is wrong, what to do). */
export class SegmenterError extends Error {
  /** Stable, unlike the message. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // The name that fetch and friends use, so that callers may tell an abort in the way they always do.
    this.name = code === 'aborted' ? 'AbortError' : 'SegmenterError';
  }
}

/** What crosses from the worker: class instances do not survive the copy. */
export interface ErrorData {
  code: ErrorCode;
  message: string;
}

/** Reads the plain `{code, message}` of the wasm side; anything else is a defect of this package. */
export function toErrorData(error: unknown): ErrorData {
  if (typeof error === 'object' && error !== null && 'message' in error) {
    const { message } = error;
    const code = 'code' in error ? CODES.find((known) => known === error.code) : undefined;
    return { code: code ?? 'internal', message: String(message) };
  }
  return { code: 'internal', message: String(error) };
}

export const abortedError = (signal: AbortSignal): SegmenterError =>
  new SegmenterError('aborted', 'The call was aborted.', { cause: signal.reason });
