import { SegmenterError } from '../errors.js';

/** Hexadecimal SHA-256; undefined where browsers have no cryptography (pages by http, other than on localhost). */
export async function sha256(file: Blob): Promise<string | undefined> {
  if (!globalThis.crypto?.subtle) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Whether a digest is, or may be, the expected one: where there is no cryptography nobody knows, and the program's own check of the file has to do. */
export const mayBe = (found: string | undefined, expected: string): boolean => found === undefined || found === expected.toLowerCase();

export const corrupt = (from: string, expected: string): SegmenterError =>
  new SegmenterError('model-corrupt', `The model file from ${from} does not have the SHA-256 ${expected}. Put the right file there, or pass the right \`sha256\`.`);
