// The declarations that tsc writes for users have Symbol.dispose, which their `lib` may lack.
/// <reference lib="esnext.disposable" preserve="true" />
import { unlessStopped } from '../common/abort.js';
import { abortedError, SegmenterError } from '../common/errors.js';
import type {
  Adapter,
  CallOptions,
  ImageSource,
  MemoryUsage,
  SegmenterEventMap,
  SegmenterOptions,
  Support,
} from '../common/types.js';
import type { WorkerClient } from '../engine/client.js';
import { inspectGpu } from '../engine/inspect-gpu.js';
import { pagePort } from '../engine/page-port.js';
import { workerPort } from '../engine/worker-port.js';
import { clearCache, folderOf, isModelCached, loadModel } from '../model/load.js';
import { toPayload } from '../photo/image-source.js';
import { missingHere } from './environment.js';
import { portion, reporter } from './progress.js';
import { SegmentedImage } from './segmented-image.js';
import { type Started, type StartOptions, start } from './start-engine.js';

type EngineOptions = Pick<StartOptions, 'device' | 'inputSize' | 'precision' | 'port'>;

/**
 * A segmenter holds a model that is ready to take photos. It runs in a worker of its own, so that
 * the page stays responsive. Calls run one after the other, in the order in which they are made. If
 * the graphics device is lost or the worker stops, calls under way fail with 'device-lost' or
 * 'internal'. The next call starts another worker, and an image is encoded again when it is used.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface only types the events.
export class Segmenter extends EventTarget {
  readonly #options: EngineOptions;
  #started: Started;
  #restarting: Promise<Started> | undefined;
  readonly #closing = new AbortController();

  private constructor(options: EngineOptions, started: Started) {
    super();
    this.#options = options;
    this.#started = started;
  }

  /**
   * Loads the model and starts it on a device.
   *
   * @throws {SegmenterError} 'model-missing', 'model-corrupt', 'model-version', 'no-webgpu' (device
   * 'webgpu' only), 'unsupported-environment', 'aborted'.
   */
  static async create(options: SegmenterOptions = {}): Promise<Segmenter> {
    const {
      device = 'auto',
      inputSize,
      precision = 'f32',
      assets,
      gpu,
      worker,
      onProgress,
      signal,
    } = options;
    if (!['auto', 'webgpu', 'cpu'].includes(device))
      throw new TypeError(`device must be 'auto', 'webgpu' or 'cpu', not '${device}'.`);
    if (!['f32', 'f16'].includes(precision))
      throw new TypeError(`precision must be 'f32' or 'f16', not '${precision}'.`);
    if (inputSize !== undefined && !(inputSize >= 64 && inputSize <= 2048 && inputSize % 64 === 0))
      throw new TypeError(`inputSize must be a multiple of 64 from 64 to 2048, not ${inputSize}.`);
    if (worker !== undefined && typeof worker !== 'function')
      throw new TypeError(
        'worker must be a function that gives a Worker: one is needed at each start.',
      );
    if (signal?.aborted) throw abortedError(signal);
    const lent = device === 'cpu' ? undefined : gpu;
    const missing = missingHere({ assets, gpu: lent, worker });
    if (missing) throw new SegmenterError('unsupported-environment', missing);
    const port = lent
      ? pagePort(lent, assets === undefined ? undefined : folderOf(assets))
      : workerPort({ assets, worker });
    const engine: EngineOptions = { device: lent ? 'webgpu' : device, inputSize, precision, port };
    const report = reporter('model', onProgress);
    let segmenter: Segmenter | undefined;
    const onEnd = (error: SegmenterError) => {
      if (segmenter) segmenter.#lost(error);
    };
    const load: StartOptions['loadModel'] = (settings) =>
      loadModel(options, { ...settings, onFraction: portion(report, 0, 0.8) });
    const onFraction = portion(report, 0.8, 1);
    try {
      const started = await start({ ...engine, loadModel: load, onEnd, onFraction, signal });
      segmenter = new Segmenter(engine, started);
      report(1);
      return segmenter;
    } finally {
      // If the device has failed, the download may not have stopped yet.
      report.end();
    }
  }

  /** Says whether `create` with these options can work here. It downloads and computes nothing. */
  static async isSupported(
    options: Pick<SegmenterOptions, 'assets' | 'gpu' | 'worker'> = {},
  ): Promise<Support> {
    const missing = missingHere(options);
    if (missing) return { supported: false, webgpu: 'none', reason: missing };
    const { kind, detail } = await inspectGpu(options.gpu?.adapter);
    const where =
      kind === 'hardware'
        ? `on WebGPU (${detail})`
        : `on the CPU: ${kind === 'software' ? `the only WebGPU adapter (${detail}) computes in software` : detail}`;
    return { supported: true, webgpu: kind, reason: `Segmentation runs ${where}.` };
  }

  /** Says whether this browser has kept the model, so that `create` will not download it. */
  static async isCached(
    options: Pick<SegmenterOptions, 'model' | 'sha256' | 'assets' | 'cache'> = {},
  ): Promise<boolean> {
    return isModelCached(options);
  }

  /** Removes all models that this package has kept in this browser. */
  static async clearCache(): Promise<void> {
    return clearCache();
  }

  /** Says on which device the network runs and why. It can change when a worker is replaced. */
  get adapter(): Adapter {
    return this.#started.adapter;
  }

  /**
   * Encodes a photo. The encoder runs once, and every prompt on the photo uses its result.
   *
   * @throws {SegmenterError} 'unsupported-image', 'corrupt-image', 'image-too-large',
   * 'empty-image', 'animated-image', 'sixteen-bit-image', 'device-lost', 'closed', 'aborted'.
   */
  async setImage(
    source: ImageSource,
    { onProgress, signal }: CallOptions = {},
  ): Promise<SegmentedImage> {
    this.#requireOpen();
    if (signal?.aborted) throw abortedError(signal);
    const report = reporter('image', onProgress);
    const image = await this.#unlessStopped(toPayload(source), signal);
    const client = await this.#unlessStopped(this.#client(), signal);
    const info = await client.call('setImage', { image }, { onFraction: report, signal });
    report(1);
    return new SegmentedImage(() => this.#client(), image, client, info);
  }

  /** @internal This counts the calls that the worker has not answered yet. Only tests read it. */
  get waiting(): number {
    return this.#started.client.waiting;
  }

  /** Says how much memory the model and its images take now. */
  async memory(): Promise<MemoryUsage> {
    return (await this.#client()).call('memory', {});
  }

  /**
   * Frees all memory of the model and its images. Calls under way reject with 'closed'. It may be
   * called twice.
   */
  close(): void {
    this.#closing.abort();
    this.#started.client.end(closedError());
  }

  /** Does the same as {@link Segmenter.close}, for declarations with `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #lost(error: SegmenterError): void {
    this.dispatchEvent(new CustomEvent('devicelost', { detail: error }));
  }

  #requireOpen(): void {
    if (this.#closing.signal.aborted) throw closedError();
  }

  /** Gives the result of the work, or rejects once the call is aborted or the segmenter closed. */
  #unlessStopped<Result>(work: Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return unlessStopped(work, [signal, abortedError], [this.#closing.signal, closedError]);
  }

  /** Gives the running worker. If it has ended by itself, a new one is started first. */
  async #client(): Promise<WorkerClient> {
    this.#requireOpen();
    if (this.#started.client.ended) {
      this.#restarting ??= this.#restart().finally(() => {
        this.#restarting = undefined;
      });
      await this.#unlessStopped(this.#restarting);
    }
    this.#requireOpen();
    return this.#started.client;
  }

  async #restart(): Promise<Started> {
    const { signal } = this.#closing;
    const { model } = this.#started;
    const loadModel = async () => model;
    const started = await start({
      ...this.#options,
      loadModel,
      onEnd: (error) => this.#lost(error),
      onFraction: () => {},
      signal,
    });
    this.#started = started;
    if (signal.aborted) started.client.end(closedError());
    else this.dispatchEvent(new CustomEvent('restored', { detail: started.adapter }));
    return started;
  }
}

/** The events of a segmenter have types, so that listeners know what `detail` holds. */
export interface Segmenter {
  /** Adds a listener to an event of {@link SegmenterEventMap}. */
  addEventListener<Type extends keyof SegmenterEventMap>(
    type: Type,
    listener: (event: SegmenterEventMap[Type]) => void,
    options?: AddEventListenerOptions | boolean,
  ): void;
  /** Adds a listener to any other event, as every EventTarget does. */
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: AddEventListenerOptions | boolean,
  ): void;
  /** Removes a listener from an event of {@link SegmenterEventMap}. */
  removeEventListener<Type extends keyof SegmenterEventMap>(
    type: Type,
    listener: (event: SegmenterEventMap[Type]) => void,
    options?: EventListenerOptions | boolean,
  ): void;
  /** Removes a listener from any other event, as every EventTarget does. */
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: EventListenerOptions | boolean,
  ): void;
}

const closedError = (): SegmenterError =>
  new SegmenterError('closed', 'The segmenter was closed. Create a new one.');
