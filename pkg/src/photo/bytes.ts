/** Says whether the bytes from this place on are those of the text, one byte for each letter. */
export const hasText = (bytes: Uint8Array, at: number, text: string): boolean =>
  [...text].every((char, i) => bytes[at + i] === char.charCodeAt(0));
