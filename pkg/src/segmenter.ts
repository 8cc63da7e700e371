import type { WorkerClient } from './client.js';
import { SegmenterError, abortedError } from './errors.js';
import { toPayload } from './image-source.js';
import { loadModel } from './model.js';
import { portion, reporter } from './progress.js';
import type { ImageInfo } from './protocol.js';
import { type StartOptions, type Started, start } from './start.js';
import type { Adapter, CallOptions, ImageSource, MemoryUsage, Scene, SegmentOptions, SegmenterOptions } from './types.js';

type EngineOptions = Pick<StartOptions, 'device' | 'inputSize' | 'half'>;

/** A model, ready to take photos. It lives in a worker of its own, so the page stays responsive. */
export class Segmenter {
  readonly #model: Blob;
  readonly #options: EngineOptions;
  #started: Started;
  #restarting: Promise<Started> | undefined;
  #closed = false;

  private constructor(model: Blob, options: EngineOptions, started: Started) {
    this.#model = model;
    this.#options = options;
    this.#started = started;
  }

  /**
   * Loads the model and starts it on a device.
   *
   * @throws {SegmenterError} 'model-missing', 'model-corrupt', 'model-version', 'no-webgpu' (device 'webgpu' only), 'aborted'.
   */
  static async create(options: SegmenterOptions = {}): Promise<Segmenter> {
    const { device = 'auto', inputSize = 512, precision = 'f32', model: source, onProgress, signal } = options;
    if (!['auto', 'webgpu', 'cpu'].includes(device)) throw new TypeError(`device must be 'auto', 'webgpu' or 'cpu', not '${device}'.`);
    if (!['f32', 'f16'].includes(precision)) throw new TypeError(`precision must be 'f32' or 'f16', not '${precision}'.`);
    if (!(inputSize > 0 && inputSize % 64 === 0)) throw new TypeError(`inputSize must be a positive multiple of 64, not ${inputSize}.`);
    if (signal?.aborted) throw abortedError(signal);
    const report = reporter('model', onProgress);
    const model = loadModel(source, portion(report, 0, 0.8), signal);
    const engine = { device, inputSize, half: precision === 'f16' };
    const started = await start({ ...engine, model, onFraction: portion(report, 0.8, 1), signal });
    report(1);
    return new Segmenter(await model, engine, started);
  }

  /** Where the work runs and why. After a restart on another device it may change. */
  get adapter(): Adapter {
    return this.#started.adapter;
  }

  /**
   * Runs the image encoder once; every later prompt on the photo reuses its result.
   *
   * @throws {SegmenterError} 'unsupported-image', 'corrupt-image', 'image-too-large', 'empty-image', 'animated-image',
   * 'sixteen-bit-image', 'device-lost', 'closed', 'aborted'.
   */
  async setImage(source: ImageSource, { onProgress, signal }: CallOptions = {}): Promise<SegmentedImage> {
    this.#requireOpen();
    const report = reporter('image', onProgress);
    const image = await toPayload(source);
    const client = await this.#liveClient();
    const transfer = image.format === 'rgba' ? [image.data.buffer] : [];
    const info = await client.call('setImage', { image }, { onFraction: report, signal, transfer });
    report(1);
    return new SegmentedImage(client, info);
  }

  /** How much memory the model and its images take now. */
  async memory(): Promise<MemoryUsage> {
    return (await this.#liveClient()).call('memory', {});
  }

  /** Frees all memory of the model and its images, and rejects calls under way with 'closed'. May be called twice. */
  close(): void {
    this.#closed = true;
    this.#started.client.end(closedError());
  }

  #requireOpen(): void {
    if (this.#closed) throw closedError();
  }

  /** The worker, replaced by a new one if it crashed. */
  async #liveClient(): Promise<WorkerClient> {
    this.#requireOpen();
    if (this.#started.client.ended) {
      const model = Promise.resolve(this.#model);
      this.#restarting ??= start({ ...this.#options, model, onFraction: () => {}, signal: undefined }).finally(() => {
        this.#restarting = undefined;
      });
      const started = await this.#restarting;
      if (this.#closed) started.client.end(closedError());
      this.#started = started;
    }
    this.#requireOpen();
    return this.#started.client;
  }
}

/** A photo the encoder has seen. */
export class SegmentedImage {
  /** In pixels, upright. */
  readonly width: number;
  readonly height: number;
  readonly #client: WorkerClient;
  readonly #id: number;
  #closed = false;

  /** @internal */
  constructor(client: WorkerClient, { imageId, width, height }: ImageInfo) {
    this.#client = client;
    this.#id = imageId;
    this.width = width;
    this.height = height;
  }

  /**
   * Finds the masks a prompt asks for.
   *
   * @throws {SegmenterError} 'invalid-prompt', 'empty-prompt', 'size-mismatch', 'device-lost', 'closed', 'aborted'.
   */
  async segment({ levels, prompt, mode, minScore, grid, onProgress, signal }: SegmentOptions = {}): Promise<Scene> {
    if (this.#closed) throw new SegmenterError('closed', 'This image was closed. Call setImage again.');
    const { ended } = this.#client;
    if (ended?.code === 'closed') throw ended;
    if (ended) throw new SegmenterError('closed', 'This image was lost when the worker stopped. Call setImage again.', { cause: ended });
    const report = reporter('segment', onProgress);
    const request = withoutUndefined({ levels, prompt, mode, minScore, grid: grid && withoutUndefined(grid) });
    const scene = await this.#client.call('segment', { imageId: this.#id, request }, { onFraction: report, signal });
    report(1);
    return scene;
  }

  /** Frees the photo's features. Calls already made finish first. May be called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // Rejects only if the worker has ended, and with it the features.
    this.#client.call('closeImage', { imageId: this.#id }).catch(() => {});
  }
}

const closedError = (): SegmenterError => new SegmenterError('closed', 'The segmenter was closed. Create a new one.');

/** Options left out and options set to undefined mean the same. */
const withoutUndefined = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as { [Key in keyof T]?: Exclude<T[Key], undefined> };
