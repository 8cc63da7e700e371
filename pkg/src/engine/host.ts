// The host owns the program (the wasm instance) and runs the calls that a client sends. It lives
// in the dedicated worker, or on the page if the page lends its own graphics device.
import type { Checkpoint, EncodedImage, Engine } from '../../wasm/simd/aims_web.js';
import { SegmenterError, toErrorData } from '../common/errors.js';
import type { Scene } from '../common/types.js';
import { readModel } from '../model/digest.js';
import { decodePhoto } from './decode-photo.js';
import { inspectGpu } from './inspect-gpu.js';
import { LastPhoto } from './last-photo.js';
import { fromProgram, type ProgramCandidate, toProgram } from './logit-bytes.js';
import { type ProgramMatte, toMatte } from './matte-bytes.js';
import { loadProgram, type Program } from './program.js';
import { lendPageGpu, type PageGpu } from './program-gpu.js';
import type { Calls, FromWorker, Request, ToWorker } from './protocol.js';
import { yieldToEvents } from './yield-to-events.js';

/** The host runs one call at a time, in the order in which the calls arrive. */
export class Host {
  readonly #post: (message: FromWorker) => void;
  readonly #gpu: PageGpu | undefined;
  readonly #load: () => Promise<Program>;
  readonly #images = new Map<number, EncodedImage>();
  readonly #lastPhoto = new LastPhoto();
  readonly #aborted = new Set<number>();
  readonly #waiting = new Set<number>();
  #engine: Engine | undefined;
  #loading: Promise<Program> | undefined;
  #queue = Promise.resolve();
  #ended = false;
  #nextImageId = 1;

  /**
   * If the page lends a `gpu`, the engine computes on it. Otherwise the engine looks for a device
   * itself. Tests pass a function `load` that gives another program.
   */
  constructor(post: (message: FromWorker) => void, gpu?: PageGpu, load = loadProgram) {
    this.#post = post;
    this.#gpu = gpu;
    this.#load = load;
  }

  /** This counts the images, photos and calls that are kept. Only tests read it. */
  get kept(): { images: number; photos: number; calls: number } {
    return {
      images: this.#images.size,
      photos: this.#lastPhoto.count,
      calls: this.#waiting.size + this.#aborted.size,
    };
  }

  receive(message: ToWorker): void {
    if (this.#ended) return;
    if (message.type === 'abort') {
      if (this.#waiting.has(message.id)) this.#aborted.add(message.id);
      return;
    }
    this.#waiting.add(message.id);
    this.#queue = this.#queue.then(() => this.#handle(message));
  }

  /** Tells the client that the program has failed and can answer nothing more. */
  crash(message: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#post({ type: 'crash', message });
  }

  /** Frees everything as soon as the step that is being computed is done. */
  end(): void {
    this.#ended = true;
    for (const id of this.#waiting) this.#aborted.add(id);
    this.#queue = this.#queue.then(() => {
      for (const image of this.#images.values()) image.free();
      this.#images.clear();
      this.#lastPhoto.forget();
      this.#engine?.free();
      this.#engine = undefined;
    });
  }

  async #handle({ id, call, args }: Request): Promise<void> {
    // The program calls this between steps. Messages that abort a call can arrive while it waits.
    const checkpoint: Checkpoint = async (fraction) => {
      this.#post({ type: 'progress', id, fraction });
      await yieldToEvents();
      return !this.#aborted.has(id);
    };
    try {
      if (!this.#aborted.has(id)) {
        const run = this.#handlers[call] as (
          args: Request['args'],
          checkpoint: Checkpoint,
        ) => Promise<Calls[typeof call]['result']>;
        const result = await run(args, checkpoint);
        this.#post({ type: 'result', id, result });
      }
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) this.crash(error.message);
      else this.#post({ type: 'error', id, error: toErrorData(error) });
    } finally {
      this.#aborted.delete(id);
      this.#waiting.delete(id);
    }
  }

  readonly #handlers: {
    [C in keyof Calls]: (
      args: Calls[C]['args'],
      checkpoint: Checkpoint,
    ) => Promise<Calls[C]['result']>;
  } = {
    begin: async () => {
      // The program loads while the model is still being downloaded. If it fails to load, the
      // call that needs it reports the failure.
      this.#program().catch(() => {});
      return null;
    },

    inspectGpu: async () => inspectGpu(this.#gpu?.adapter),

    createEngine: async ({ device, model, inputSize, precision }, checkpoint) => {
      const [bytes, program] = await Promise.all([readModel(model.file), this.#program()]);
      await checkpoint(0.1);
      this.#engine?.free();
      this.#engine = undefined;
      const create = () =>
        program.engine.create(device, new Uint8Array(bytes), model.checked, inputSize, precision);
      this.#engine =
        this.#gpu && device === 'webgpu' ? await lendPageGpu(this.#gpu, create) : await create();
      const { name, software, precision: used } = this.#engine.adapter();
      return { device, name, software, precision: used };
    },

    setImage: async ({ image }, checkpoint) => {
      const engine = this.#requireEngine();
      const pixels = await decodePhoto((await this.#program()).photo, image);
      const encoded = await engine.encode(pixels, checkpoint);
      const imageId = this.#nextImageId++;
      this.#images.set(imageId, encoded);
      return { imageId, width: encoded.width, height: encoded.height };
    },

    segment: async ({ imageId, request }, checkpoint) => {
      const prompt = toProgram(request.prompt);
      return (await this.#requireImage(imageId).segment(
        { ...request, ...(prompt ? { prompt } : {}) },
        checkpoint,
      )) as Scene;
    },

    candidates: async ({ imageId, prompt }, checkpoint) => {
      const found = (await this.#requireImage(imageId).candidates(
        toProgram(prompt),
        checkpoint,
      )) as ProgramCandidate[];
      return found.map(fromProgram);
    },

    refine: async ({ photoId, image, mask, options }, checkpoint) => {
      const { photo } = await this.#program();
      const pixels = await this.#lastPhoto.get(photoId, () => decodePhoto(photo, image));
      const found = await this.#requireEngine().refine(pixels, mask, options, checkpoint);
      return toMatte(found as ProgramMatte, pixels);
    },

    memory: async () => {
      const { memory } = await this.#program();
      const gpu = this.#requireEngine().gpuMemory() as { inUse: number; reserved: number };
      return { wasm: memory.buffer.byteLength, gpu: gpu.inUse, gpuReserved: gpu.reserved };
    },

    closeImage: async ({ imageId }) => {
      this.#images.get(imageId)?.free();
      this.#images.delete(imageId);
      return null;
    },

    closePhoto: async ({ photoId }) => {
      this.#lastPhoto.forget(photoId);
      return null;
    },
  };

  #program(): Promise<Program> {
    this.#loading ??= this.#load().catch((cause: unknown) => {
      this.#loading = undefined;
      throw cause;
    });
    return this.#loading;
  }

  #requireImage(imageId: number): EncodedImage {
    const image = this.#images.get(imageId);
    if (!image) throw new SegmenterError('closed', 'This image was closed. Call setImage again.');
    return image;
  }

  #requireEngine(): Engine {
    if (!this.#engine)
      throw new SegmenterError('closed', 'There is no model loaded. Create a segmenter first.');
    return this.#engine;
  }
}
