import { SegmenterError } from '../common/errors.js';

/**
 * Computes the SHA-256 in hexadecimal. It is undefined if the browser has too little memory for it.
 * It is also undefined on http pages other than localhost, because browsers offer no cryptography
 * there.
 */
export async function sha256(file: Blob): Promise<string | undefined> {
  if (!globalThis.crypto?.subtle) return undefined;
  const bytes = await readModel(file);
  const digest = await crypto.subtle.digest('SHA-256', bytes).catch(() => undefined);
  return (
    digest &&
    Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
  );
}

/** Reads a model file, which may be on the user's disk. */
export async function readModel(file: Blob): Promise<ArrayBuffer> {
  try {
    return await file.arrayBuffer();
  } catch (cause) {
    const why = `The model file could not be read (${String(cause)})`;
    throw new SegmenterError(
      'model-missing',
      `${why}. It may have been moved or changed since it was chosen; choose it again.`,
      { cause },
    );
  }
}

/**
 * Says whether a digest can be the expected one. Without cryptography the digest is unknown. It
 * then counts as right, and the program's own check of the file has to do.
 */
export const mayMatch = (found: string | undefined, expected: string): boolean =>
  found === undefined || found === expected.toLowerCase();

/** Makes the error for a file that does not have the SHA-256 that it should have. */
export const wrongDigest = (from: string, expected: string): SegmenterError =>
  new SegmenterError(
    'model-corrupt',
    `The model file from ${from} does not have the SHA-256 ${expected}. Put the right file there, or pass the right \`sha256\`.`,
  );
