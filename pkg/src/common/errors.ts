/**
 * The error codes of the Rust program, and two more for failures outside it.
 * `pkg/test/mirrors.test.js` compares the two lists.
 */
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

/** The code says what went wrong. `docs/guide.md` says when each code occurs and what to do. */
export type ErrorCode = (typeof CODES)[number];

/**
 * Every failure of this package is one of these errors. Programs read its `code`. Its `message`
 * tells people what is wrong and what to do.
 */
export class SegmenterError extends Error {
  /** The code is stable across versions, and the message is not. */
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // An abort has the name that browsers' own functions such as fetch use, so that callers can
    // recognize it in the usual way.
    this.name = code === 'aborted' ? 'AbortError' : 'SegmenterError';
  }
}

/** The worker sends errors in this form, because an object that is sent loses its class. */
export interface ErrorData {
  code: ErrorCode;
  message: string;
}

/**
 * Reads an error of the program, which is a plain `{code, message}`. Any other error is a defect of
 * this package and gets the code 'internal'.
 */
export function toErrorData(error: unknown): ErrorData {
  if (typeof error === 'object' && error !== null && 'message' in error) {
    const { message } = error;
    const code = 'code' in error ? CODES.find((known) => known === error.code) : undefined;
    return { code: code ?? 'internal', message: String(message) };
  }
  return { code: 'internal', message: String(error) };
}

/** Makes the error of a call whose signal was aborted. */
export const abortedError = (signal: AbortSignal): SegmenterError =>
  new SegmenterError('aborted', 'The call was aborted.', { cause: signal.reason });
