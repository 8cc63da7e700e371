// What tsc makes of this for users has Symbol.dispose, which their `lib` may lack.
/// <reference lib="esnext.disposable" preserve="true" />
import { unlessAborted } from '../common/abort.js';
import { SegmenterError, abortedError } from '../common/errors.js';
import type { CallOptions, Candidate, PointPrompt, Scene, SegmentOptions } from '../common/types.js';
import type { CallSettings, WorkerClient } from '../engine/client.js';
import type { ImageInfo, ImagePayload } from '../engine/protocol.js';
import { withCompressedMasks, withoutKind } from './prepare-prompt.js';
import { portion, reporter } from './progress.js';

/** Of a call's progress, the share of encoding the photo anew, where that is needed. */
const ENCODING = 0.7;

interface Place {
  client: WorkerClient;
  imageId: number;
}

/** A photo the encoder has seen. */
export class SegmentedImage {
  /** In pixels, upright. */
  readonly width: number;
  /** In pixels, upright. */
  readonly height: number;
  readonly #client: () => Promise<WorkerClient>;
  /** Until it is closed. */
  #payload: ImagePayload | undefined;
  /** The worker that has the photo's features, and their number there. */
  #place: Place;
  #restoring: Promise<void> | undefined;
  #closed = false;

  /** @internal */
  constructor(live: () => Promise<WorkerClient>, payload: ImagePayload, client: WorkerClient, { imageId, width, height }: ImageInfo) {
    this.#client = live;
    this.#payload = payload;
    this.#place = { client, imageId };
    this.width = width;
    this.height = height;
  }

  /**
   * Finds the masks a prompt asks for.
   *
   * @throws {SegmenterError} 'invalid-option', 'invalid-prompt', 'empty-prompt', 'size-mismatch', 'device-lost', 'closed', 'aborted'.
   */
  async segment({ levels, prompt, mode, minScore, maxQueries, grid, onProgress, signal }: SegmentOptions = {}): Promise<Scene> {
    const request = withoutUndefined({ levels, prompt: prompt && withCompressedMasks(prompt), mode, minScore, maxQueries, grid: grid && withoutUndefined(grid) });
    return this.#ask({ onProgress, signal }, ({ client, imageId }, settings) => client.call('segment', { imageId, request }, settings));
  }

  /**
   * All masks that points, a box or both can mean, the smaller before the larger: for one point three (SAM's nested answers: a piece, a
   * thing, what it belongs to), for other prompts also the one that is made for them. Empty masks are left out. A prompt of the kind 'points'
   * that `segment` takes is taken as well.
   *
   * @throws {SegmenterError} 'invalid-prompt', 'empty-prompt', 'device-lost', 'closed', 'aborted'.
   */
  async candidates(prompt: PointPrompt, { onProgress, signal }: CallOptions = {}): Promise<Candidate[]> {
    const points = withoutKind(prompt);
    return this.#ask({ onProgress, signal }, ({ client, imageId }, settings) => client.call('candidates', { imageId, prompt: points }, settings));
  }

  /** Asks the worker that has the photo's features, after encoding the photo anew where that worker is another one. */
  async #ask<Answer>({ onProgress, signal }: CallOptions, call: (place: Place, settings: CallSettings) => Promise<Answer>): Promise<Answer> {
    this.#requireOpen();
    if (signal?.aborted) throw abortedError(signal);
    let report = reporter('segment', onProgress);
    if (this.#place.client.ended) {
      await this.#restore(portion(report, 0, ENCODING), signal);
      report = portion(report, ENCODING, 1);
    }
    const answer = await call(this.#place, { onFraction: report, signal });
    report(1);
    return answer;
  }

  /** Frees the photo's features. Calls already made finish first. May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#payload = undefined;
    const { client, imageId } = this.#place;
    // Rejects only if the worker has ended, and with it the features.
    client.call('closeImage', { imageId }).catch(() => {});
  }

  /** The same as {@link SegmentedImage.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #requireOpen(): void {
    if (this.#closed) throw new SegmenterError('closed', 'This image was closed. Call setImage again.');
  }

  /** Encodes the photo in the worker that took the place of the one that ended; calls that wait for it share the work. */
  async #restore(onFraction: (fraction: number) => void, signal: AbortSignal | undefined): Promise<void> {
    this.#restoring ??= this.#encode(onFraction).finally(() => {
      this.#restoring = undefined;
    });
    await unlessAborted(this.#restoring, signal);
    this.#requireOpen();
  }

  async #encode(onFraction: (fraction: number) => void): Promise<void> {
    const client = await this.#client();
    if (!this.#payload) return;
    const { imageId } = await client.call('setImage', { image: this.#payload }, { onFraction });
    this.#place = { client, imageId };
    if (this.#closed) client.call('closeImage', { imageId }).catch(() => {});
  }
}

/** Options left out and options set to undefined mean the same. */
const withoutUndefined = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
