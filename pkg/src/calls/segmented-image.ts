// The declarations that tsc writes for users have Symbol.dispose, which their `lib` may lack.
/// <reference lib="esnext.disposable" preserve="true" />
import { unlessAborted } from '../common/abort.js';
import { abortedError, SegmenterError } from '../common/errors.js';
import type { Matte, RefineOptions } from '../common/matte.js';
import type {
  CallOptions,
  Candidate,
  PointPrompt,
  Scene,
  SegmentOptions,
} from '../common/types.js';
import type { CallSettings, WorkerClient } from '../engine/client.js';
import type { ImageInfo } from '../engine/protocol.js';
import type { ImagePayload } from '../photo/image-source.js';
import type { HasRle } from '../results/rle.js';
import { compressed, withCompressedMasks, withoutKind } from './prepare-prompt.js';
import { type OnFraction, portion, reporter } from './progress.js';

/** If a call has to encode the photo again, this is the share of that step in its progress. */
const ENCODING = 0.7;

/** A place is the worker that has the encoded photo, and the photo's number in that worker. */
interface Place {
  client: WorkerClient;
  imageId: number;
}

/** Each photo has a number, by which workers know its pixels. */
let photos = 0;

/** A photo that the image encoder has encoded. Prompts on it need only the mask decoder. */
export class SegmentedImage {
  /** The width of the upright photo, in pixels. */
  readonly width: number;
  /** The height of the upright photo, in pixels. */
  readonly height: number;
  readonly #client: () => Promise<WorkerClient>;
  /** The photo is kept until the image is closed, to be encoded again after a restart. */
  #payload: ImagePayload | undefined;
  #place: Place;
  #restoring: Promise<void> | undefined;
  readonly #photoId = ++photos;
  /** This worker may have the decoded photo, because it has refined an edge. */
  #refiner: WorkerClient | undefined;
  #closed = false;

  /** @internal */
  constructor(
    live: () => Promise<WorkerClient>,
    payload: ImagePayload,
    client: WorkerClient,
    { imageId, width, height }: ImageInfo,
  ) {
    this.#client = live;
    this.#payload = payload;
    this.#place = { client, imageId };
    this.width = width;
    this.height = height;
  }

  /**
   * Finds the masks that a prompt asks for.
   *
   * @throws {SegmenterError} 'invalid-option', 'invalid-prompt', 'empty-prompt', 'size-mismatch',
   * 'device-lost', 'closed', 'aborted'.
   */
  async segment({
    levels,
    prompt,
    mode,
    minScore,
    maxQueries,
    grid,
    onProgress,
    signal,
  }: SegmentOptions = {}): Promise<Scene> {
    const request = withoutUndefined({
      levels,
      prompt: prompt && withCompressedMasks(prompt),
      mode,
      minScore,
      maxQueries,
      grid: grid && withoutUndefined(grid),
    });
    return this.#ask({ onProgress, signal }, ({ client, imageId }, settings) =>
      client.call('segment', { imageId, request }, settings),
    );
  }

  /**
   * Finds all masks that points, a box or both can mean, the smaller ones first. A single point has
   * three, which are SAM's nested answers: a piece of a thing, the thing, and what the thing
   * belongs to. Other prompts have a fourth, which the network makes for them. Empty masks are left
   * out. A prompt of the kind 'points', as `segment` takes it, works too.
   *
   * @throws {SegmenterError} 'invalid-prompt', 'empty-prompt', 'device-lost', 'closed', 'aborted'.
   */
  async candidates(
    prompt: PointPrompt,
    { onProgress, signal }: CallOptions = {},
  ): Promise<Candidate[]> {
    const points = withoutKind(prompt);
    return this.#ask({ onProgress, signal }, ({ client, imageId }, settings) =>
      client.call('candidates', { imageId, prompt: points }, settings),
    );
  }

  /**
   * Makes an alpha for a mask whose edge follows the photo, and the thing's own colours for its soft
   * pixels. The thing is first found again at full detail if the mask has few cells (`zoom`). Where
   * the photo's colours do not show an edge, the mask's edge is softened. The photo is decoded again,
   * and its pixels are kept until another image's edge is refined or this image is closed. An empty mask gives a transparent matte, and a full one an opaque matte.
   *
   * @throws {SegmenterError} 'invalid-option' if the radius or another option cannot be used,
   * 'invalid-prompt' if the mask has no valid run-length encoding, 'size-mismatch' if it does not
   * have the photo's size, 'device-lost', 'closed', 'aborted'.
   */
  async refine({ rle }: HasRle, options: RefineOptions = {}): Promise<Matte> {
    const { radius, hair = false, colors = 'clean', zoom = true, onProgress, signal } = options;
    const mask = compressed(rle);
    this.#requireOpen();
    if (signal?.aborted) throw abortedError(signal);
    const report = reporter('refine', onProgress);
    const client = await unlessAborted(this.#client(), signal);
    this.#requireOpen();
    this.#refiner = client;
    const matte = await client.call(
      'refine',
      {
        photoId: this.#photoId,
        image: this.#payload!,
        mask,
        options: { radius, hair, colors, zoom },
      },
      { onFraction: report, signal },
    );
    report(1);
    return matte;
  }

  /**
   * Sends a call to the worker that has the encoded photo. If that worker has ended, a new one
   * encodes the photo first.
   */
  async #ask<Answer>(
    { onProgress, signal }: CallOptions,
    call: (place: Place, settings: CallSettings) => Promise<Answer>,
  ): Promise<Answer> {
    this.#requireOpen();
    if (signal?.aborted) throw abortedError(signal);
    let report: OnFraction = reporter('segment', onProgress);
    if (this.#place.client.ended) {
      await this.#restore(portion(report, 0, ENCODING), signal);
      report = portion(report, ENCODING, 1);
    }
    const answer = await call(this.#place, { onFraction: report, signal });
    report(1);
    return answer;
  }

  /** Frees the encoded photo after the calls that are under way. It may be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#payload = undefined;
    const { client, imageId } = this.#place;
    // The call rejects only if the worker has ended, and then the memory is free already.
    client.call('closeImage', { imageId }).catch(() => {});
    this.#refiner?.call('closePhoto', { photoId: this.#photoId }).catch(() => {});
  }

  /** Does the same as {@link SegmentedImage.close}, for declarations with `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #requireOpen(): void {
    if (this.#closed)
      throw new SegmenterError('closed', 'This image was closed. Call setImage again.');
  }

  /** Encodes the photo again, in the worker that replaces the old one. Calls share this work. */
  async #restore(
    onFraction: (fraction: number) => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
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

/** Removes options that are undefined, so that they mean the same as options that are left out. */
const withoutUndefined = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
