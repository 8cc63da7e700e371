import { SegmenterError } from '../common/errors.js';

/** Hexadecimal SHA-256; undefined where browsers have no cryptography (pages by http, other than on localhost) or no memory for it. */
export async function sha256(file: Blob): Promise<string | undefined> {
  if (!globalThis.crypto?.subtle) return undefined;
  const bytes = await readModel(file);
  const digest = await crypto.subtle.digest('SHA-256', bytes).catch(() => undefined);
  return digest && Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The bytes of a model file, which may be one on the user's disk. */
export async function readModel(file: Blob): Promise<ArrayBuffer> {
  try {
    return await file.arrayBuffer();
  } catch (cause) {
    const why = `The model file could not be read (${String(cause)})`;
    throw new SegmenterError('model-missing', `${why}. It may have been moved or changed since it was chosen; choose it again.`, { cause });
  }
}

/** Whether a digest is, or may be, the expected one: where there is no cryptography nobody knows, and the program's own check of the file has to do. */
export const mayBe = (found: string | undefined, expected: string): boolean => found === undefined || found === expected.toLowerCase();

export const corrupt = (from: string, expected: string): SegmenterError =>
  new SegmenterError('model-corrupt', `The model file from ${from} does not have the SHA-256 ${expected}. Put the right file there, or pass the right \`sha256\`.`);
