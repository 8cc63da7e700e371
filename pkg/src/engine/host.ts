// Owns the wasm instance and runs one call at a time in the order received: in the dedicated worker, or on the page.
import type { Engine, EncodedImage, InitOutput } from '../../wasm/simd/aims_web.js';
import { SegmenterError, toErrorData } from '../common/errors.js';
import type { Scene } from '../common/types.js';
import { readModel } from '../model/digest.js';
import { decodeInBrowser, isForBrowser } from '../photo/browser-decoder.js';
import { isLookOfBrowsers } from '../photo/profile-and-orientation.js';
import { inspectGpu } from './inspect-gpu.js';
import { type ProgramCandidate, fromProgram, toProgram } from './logit-bytes.js';
import { type HostGpu, lend } from './program-gpu.js';
import type { Calls, FromWorker, Request, ToWorker } from './protocol.js';
import { yieldToEvents } from './yield-to-events.js';

type Checkpoint = (fraction: number) => Promise<boolean>;

/** A module of one relaxed instruction: valid where browsers have them. */
const RELAXED_SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11,
);

/** The build for this browser; both are the same program. */
async function chooseBuild() {
  return WebAssembly.validate(RELAXED_SIMD)
    ? { program: await import('../../wasm/relaxed-simd/aims_web.js'), url: new URL('../../wasm/relaxed-simd/aims_web_bg.wasm', import.meta.url) }
    : { program: await import('../../wasm/simd/aims_web.js'), url: new URL('../../wasm/simd/aims_web_bg.wasm', import.meta.url) };
}

export interface Program {
  engine: Pick<typeof Engine, 'create'>;
  memory: InitOutput['memory'];
}

export class Host {
  readonly #post: (message: FromWorker) => void;
  readonly #gpu: HostGpu | undefined;
  readonly #load: () => Promise<Program>;
  readonly #images = new Map<number, EncodedImage>();
  readonly #aborted = new Set<number>();
  readonly #waiting = new Set<number>();
  #engine: Engine | undefined;
  #loading: Promise<Program> | undefined;
  #queue = Promise.resolve();
  #ended = false;
  #nextImageId = 1;

  /** With a `gpu` of the page's own the engine computes on that; else on what it finds. Tests give another program to `load`. */
  constructor(post: (message: FromWorker) => void, gpu?: HostGpu, load = loadProgram) {
    this.#post = post;
    this.#gpu = gpu;
    this.#load = load;
  }

  /** How many images and calls are kept. Tests read it. */
  get kept(): { images: number; calls: number } {
    return { images: this.#images.size, calls: this.#waiting.size + this.#aborted.size };
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

  /** The wasm instance is unusable. */
  crash(message: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#post({ type: 'crash', message });
  }

  /** Frees everything, once the step that is being computed is done. */
  end(): void {
    this.#ended = true;
    for (const id of this.#waiting) this.#aborted.add(id);
    this.#queue = this.#queue.then(() => {
      for (const features of this.#images.values()) features.free();
      this.#images.clear();
      this.#engine?.free();
      this.#engine = undefined;
    });
  }

  async #handle({ id, call, args }: Request): Promise<void> {
    // Rust calls this between steps; waiting for a task lets abort messages in.
    const checkpoint: Checkpoint = async (fraction) => {
      this.#post({ type: 'progress', id, fraction });
      await yieldToEvents();
      return !this.#aborted.has(id);
    };
    try {
      if (!this.#aborted.has(id)) {
        const run = this.#handlers[call] as (args: Request['args'], checkpoint: Checkpoint) => Promise<Calls[typeof call]['result']>;
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

  readonly #handlers: { [C in keyof Calls]: (args: Calls[C]['args'], checkpoint: Checkpoint) => Promise<Calls[C]['result']> } = {
    begin: async () => {
      // The program loads while the model is still on its way. Failure shows when it is needed.
      this.#program().catch(() => {});
      return null;
    },

    inspectGpu: async () => inspectGpu(this.#gpu?.adapter),

    createEngine: async ({ device, model, inputSize, precision }, checkpoint) => {
      const [bytes, program] = await Promise.all([readModel(model.file), this.#program()]);
      await checkpoint(0.1);
      this.#engine?.free();
      this.#engine = undefined;
      const create = () => program.engine.create(device, new Uint8Array(bytes), model.checked, inputSize, precision);
      this.#engine = this.#gpu && device === 'webgpu' ? await lend(this.#gpu, create) : await create();
      const { name, software, precision: used } = this.#engine.adapter();
      return { device, name, software, precision: used };
    },

    setImage: async ({ image }, checkpoint) => {
      const engine = this.#requireEngine();
      const features =
        image.format === 'file'
          ? await encodeFile(engine, image.file, checkpoint)
          : await engine.setImageRgba(await bytesOf(image.pixels), image.width, image.height, checkpoint);
      const imageId = this.#nextImageId++;
      this.#images.set(imageId, features);
      return { imageId, width: features.width, height: features.height };
    },

    segment: async ({ imageId, request }, checkpoint) => {
      const prompt = toProgram(request.prompt);
      return (await this.#requireImage(imageId).segment({ ...request, ...(prompt ? { prompt } : {}) }, checkpoint)) as Scene;
    },

    candidates: async ({ imageId, prompt }, checkpoint) => {
      const found = (await this.#requireImage(imageId).candidates(toProgram(prompt), checkpoint)) as ProgramCandidate[];
      return found.map(fromProgram);
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
  };

  #program(): Promise<Program> {
    this.#loading ??= this.#load().catch((cause: unknown) => {
      this.#loading = undefined;
      throw cause;
    });
    return this.#loading;
  }

  #requireImage(imageId: number): EncodedImage {
    const features = this.#images.get(imageId);
    if (!features) throw new SegmenterError('closed', 'This image was closed. Call setImage again.');
    return features;
  }

  #requireEngine(): Engine {
    if (!this.#engine) throw new SegmenterError('closed', 'There is no model loaded. Create a segmenter first.');
    return this.#engine;
  }
}

async function loadProgram(): Promise<Program> {
  let file = 'of this package';
  try {
    const { program, url } = await chooseBuild();
    file = url.href;
    const { memory } = await program.default({ module_or_path: url });
    return { engine: program.Engine, memory };
  } catch (cause) {
    throw new SegmenterError('internal', `The program file ${file} could not be loaded: ${toErrorData(cause).message}. Check that the server has it.`);
  }
}

/**
 * By the program's own decoder. The browser's has a try at what that one does not know, and decodes what it may show differently: a file
 * must have the size and the colours of its bitmap.
 */
async function encodeFile(engine: Engine, file: Blob, checkpoint: Checkpoint): Promise<EncodedImage> {
  const bytes = await bytesOf(file);
  let failure: unknown;
  try {
    if (!isLookOfBrowsers(bytes)) return await engine.setImageBytes(bytes, checkpoint);
    await checkFile(engine, bytes);
  } catch (error) {
    if (!isForBrowser(error)) throw error;
    failure = error;
  }
  const pixels = await decodeInBrowser(file, bytes).catch((error: unknown) => {
    // Browsers' canvases may take fewer pixels than the program, which here has found that it can decode the file.
    if (failure || toErrorData(error).code !== 'image-too-large') throw error;
    return undefined;
  });
  if (pixels) return engine.setImageRgba(new Uint8Array(pixels.data.buffer), pixels.width, pixels.height, checkpoint);
  if (failure) throw failure;
  return engine.setImageBytes(bytes, checkpoint);
}

/** Whether the program can decode it: browsers show files that are cut short in part, without an error. */
async function checkFile(engine: Engine, bytes: Uint8Array): Promise<void> {
  try {
    // It is decoded before the first checkpoint, which then ends the call.
    const features = await engine.setImageBytes(bytes, async () => false);
    features.free();
  } catch (error) {
    if (toErrorData(error).code !== 'aborted') throw error;
  }
}

async function bytesOf(file: Blob): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new SegmenterError('corrupt-image', 'The file could not be read. It may have been moved or changed since it was chosen; choose it again.');
  }
}
