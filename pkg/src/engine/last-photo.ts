import type { PhotoPixels } from '../../wasm/simd/aims_web.js';

/**
 * Keeps the decoded pixels of one photo: the one that was asked for last. Edges of several masks of
 * a photo are often refined one after the other, and then the photo is decoded only once.
 */
export class LastPhoto {
  #kept: { photoId: number; pixels: PhotoPixels } | undefined;

  /** This counts the photos that are kept. Only tests read it. */
  get count(): number {
    return this.#kept ? 1 : 0;
  }

  /** Gives the pixels of the photo. If they are not kept, another photo's are freed first. */
  async get(photoId: number, decode: () => Promise<PhotoPixels>): Promise<PhotoPixels> {
    if (this.#kept?.photoId !== photoId) {
      this.forget();
      this.#kept = { photoId, pixels: await decode() };
    }
    return this.#kept!.pixels;
  }

  /** Frees the pixels of this photo, if they are kept. Without a number, it frees any photo's. */
  forget(photoId?: number): void {
    if (photoId !== undefined && this.#kept?.photoId !== photoId) return;
    this.#kept?.pixels.free();
    this.#kept = undefined;
  }
}
