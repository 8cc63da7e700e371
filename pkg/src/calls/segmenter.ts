// What tsc makes of this for users has Symbol.dispose, which their `lib` may lack.
/// <reference lib="esnext.disposable" preserve="true" />
import { unlessStopped } from '../common/abort.js';
import { SegmenterError, abortedError } from '../common/errors.js';
import type { Adapter, CallOptions, ImageSource, MemoryUsage, SegmenterEventMap, SegmenterOptions, Support } from '../common/types.js';
import type { WorkerClient } from '../engine/client.js';
import { inspectGpu } from '../engine/inspect-gpu.js';
import { pagePort } from '../engine/page-port.js';
import { workerPort } from '../engine/worker-port.js';
import { clearCache, folderOf, isModelCached, loadModel } from '../model/load.js';
import { toPayload } from '../photo/image-source.js';
import { missingHere } from './environment.js';
import { portion, reporter } from './progress.js';
import { SegmentedImage } from './segmented-image.js';
import { type StartOptions, type Started, start } from './start-engine.js';

type EngineOptions = Pick<StartOptions, 'device' | 'inputSize' | 'precision' | 'port'>;

/**
 * A model, ready to take photos. It lives in a worker of its own, so the page stays responsive. Calls run one after the other, in the
 * order made. When the graphics device is lost or the worker stops, calls under way fail with 'device-lost' or 'internal'; the next call
 * starts another worker, and images encode themselves anew when they are asked something.
 */
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
   * @throws {SegmenterError} 'model-missing', 'model-corrupt', 'model-version', 'no-webgpu' (device 'webgpu' only),
   * 'unsupported-environment', 'aborted'.
   */
  static async create(options: SegmenterOptions = {}): Promise<Segmenter> {
    const { device = 'auto', inputSize, precision = 'f32', assets, gpu, worker, onProgress, signal } = options;
    if (!['auto', 'webgpu', 'cpu'].includes(device)) throw new TypeError(`device must be 'auto', 'webgpu' or 'cpu', not '${device}'.`);
    if (!['f32', 'f16'].includes(precision)) throw new TypeError(`precision must be 'f32' or 'f16', not '${precision}'.`);
    if (inputSize !== undefined && !(inputSize >= 64 && inputSize <= 2048 && inputSize % 64 === 0)) throw new TypeError(`inputSize must be a multiple of 64 from 64 to 2048, not ${inputSize}.`);
    if (worker !== undefined && typeof worker !== 'function') throw new TypeError('worker must be a function that gives a Worker: one is needed at each start.');
    if (signal?.aborted) throw abortedError(signal);
    const lent = device === 'cpu' ? undefined : gpu;
    const missing = missingHere({ assets, gpu: lent, worker });
    if (missing) throw new SegmenterError('unsupported-environment', missing);
    const port = lent ? pagePort(lent, assets === undefined ? undefined : folderOf(assets)) : workerPort({ assets, worker });
    const engine: EngineOptions = { device: lent ? 'webgpu' : device, inputSize, precision, port };
    const report = reporter('model', onProgress);
    let segmenter: Segmenter | undefined;
    const onEnd = (error: SegmenterError) => {
      if (segmenter) segmenter.#lost(error);
    };
    const load: StartOptions['loadModel'] = (settings) => loadModel(options, { ...settings, onFraction: portion(report, 0, 0.8) });
    const started = await start({ ...engine, loadModel: load, onEnd, onFraction: portion(report, 0.8, 1), signal });
    segmenter = new Segmenter(engine, started);
    report(1);
    return segmenter;
  }

  /** What this browser can do, for `create` with the same options; nothing is downloaded or computed. */
  static async isSupported(options: Pick<SegmenterOptions, 'assets' | 'gpu' | 'worker'> = {}): Promise<Support> {
    const missing = missingHere(options);
    if (missing) return { supported: false, webgpu: 'none', reason: missing };
    const { kind, detail } = await inspectGpu(options.gpu?.adapter);
    const where = kind === 'hardware' ? `on WebGPU (${detail})` : `on the CPU: ${kind === 'software' ? `the only WebGPU adapter (${detail}) computes in software` : detail}`;
    return { supported: true, webgpu: kind, reason: `Segmentation runs ${where}.` };
  }

  /** Whether `create` with these options finds the model in this browser and downloads nothing. */
  static async isCached(options: Pick<SegmenterOptions, 'model' | 'sha256' | 'assets' | 'cache'> = {}): Promise<boolean> {
    return isModelCached(options);
  }

  /** Removes all models that this package has kept in this browser. */
  static async clearCache(): Promise<void> {
    return clearCache();
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
    if (signal?.aborted) throw abortedError(signal);
    const report = reporter('image', onProgress);
    const image = await this.#unlessStopped(toPayload(source), signal);
    const client = await this.#unlessStopped(this.#client(), signal);
    const info = await client.call('setImage', { image }, { onFraction: report, signal });
    report(1);
    return new SegmentedImage(() => this.#client(), image, client, info);
  }

  /** @internal How many calls its worker has still to answer. Tests read it. */
  get waiting(): number {
    return this.#started.client.waiting;
  }

  /** How much memory the model and its images take now. */
  async memory(): Promise<MemoryUsage> {
    return (await this.#client()).call('memory', {});
  }

  /** Frees all memory of the model and its images, and rejects calls under way with 'closed'. May be called twice. */
  close(): void {
    this.#closing.abort();
    this.#started.client.end(closedError());
  }

  /** The same as {@link Segmenter.close}, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #lost(error: SegmenterError): void {
    this.dispatchEvent(new CustomEvent('devicelost', { detail: error }));
  }

  #requireOpen(): void {
    if (this.#closing.signal.aborted) throw closedError();
  }

  /** Waits for what a call needs no longer than until it is aborted or the segmenter is closed. */
  #unlessStopped<Result>(work: Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return unlessStopped(work, [signal, abortedError], [this.#closing.signal, closedError]);
  }

  /** The worker, replaced by a new one if it ended by itself. */
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
    const started = await start({ ...this.#options, loadModel, onEnd: (error) => this.#lost(error), onFraction: () => {}, signal });
    this.#started = started;
    if (signal.aborted) started.client.end(closedError());
    else this.dispatchEvent(new CustomEvent('restored', { detail: started.adapter }));
    return started;
  }
}

/** What there is to listen to, and with what it calls back. */
export interface Segmenter {
  /** Listens to an event of {@link SegmenterEventMap}. */
  addEventListener<Type extends keyof SegmenterEventMap>(type: Type, listener: (event: SegmenterEventMap[Type]) => void, options?: AddEventListenerOptions | boolean): void;
  /** As every EventTarget. */
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: AddEventListenerOptions | boolean): void;
  /** No longer listens. */
  removeEventListener<Type extends keyof SegmenterEventMap>(type: Type, listener: (event: SegmenterEventMap[Type]) => void, options?: EventListenerOptions | boolean): void;
  /** As every EventTarget. */
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: EventListenerOptions | boolean): void;
}

const closedError = (): SegmenterError => new SegmenterError('closed', 'The segmenter was closed. Create a new one.');
