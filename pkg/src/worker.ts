// The dedicated worker: owns the wasm instance, runs one call at a time in the order received.
import type { Engine, ImageFeatures, InitOutput } from '../wasm/simd/aims_web.js';
import { inspectGpu } from './device.js';
import { SegmenterError, toErrorData } from './errors.js';
import type { Calls, FromWorker, Request, ToWorker } from './protocol.js';
import type { Scene } from './types.js';
import { yieldToEvents } from './yield.js';

type Checkpoint = (fraction: number) => Promise<boolean>;

let engine: Engine | undefined;
let loading: Promise<Program> | undefined;
let crashed = false;
let nextImageId = 1;
const images = new Map<number, ImageFeatures>();
const aborted = new Set<number>();
const waiting = new Set<number>();

const post = (message: FromWorker) => self.postMessage(message);

function crash(message: string): void {
  if (crashed) return;
  crashed = true;
  post({ type: 'crash', message });
}

// A Rust panic can surface in three ways: through its hook, as an exception of the call, or, from a task of the wasm
// side's own, as an uncaught error while the call's promise stays pending for ever.
Object.assign(self, { __aimsPanic: crash });
self.addEventListener('error', (event) => crash(event.message));
self.addEventListener('unhandledrejection', (event) => crash(String(event.reason)));

/** A module of one relaxed instruction: valid where browsers have them. */
const RELAXED_SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11,
);

/** The build for this browser; both are the same program. */
async function chooseBuild() {
  return WebAssembly.validate(RELAXED_SIMD)
    ? { program: await import('../wasm/relaxed-simd/aims_web.js'), url: new URL('../wasm/relaxed-simd/aims_web_bg.wasm', import.meta.url) }
    : { program: await import('../wasm/simd/aims_web.js'), url: new URL('../wasm/simd/aims_web_bg.wasm', import.meta.url) };
}

interface Program {
  engine: typeof Engine;
  memory: InitOutput['memory'];
}

function loadProgram(): Promise<Program> {
  loading ??= load().catch((cause: unknown) => {
    loading = undefined;
    throw cause;
  });
  return loading;
}

async function load(): Promise<Program> {
  const { program, url } = await chooseBuild();
  try {
    const { memory } = await program.default({ module_or_path: url });
    return { engine: program.Engine, memory };
  } catch (cause) {
    throw new SegmenterError('internal', `The program file ${url.href} could not be loaded: ${toErrorData(cause).message}. Check that the server has it.`);
  }
}

function requireEngine(): Engine {
  if (!engine) throw new SegmenterError('closed', 'There is no model loaded. Create a segmenter first.');
  return engine;
}

const handlers: { [C in keyof Calls]: (args: Calls[C]['args'], checkpoint: Checkpoint) => Promise<Calls[C]['result']> } = {
  async inspectGpu() {
    // The first call of all: the program loads while the model is still on its way. Failure shows when it is needed.
    loadProgram().catch(() => {});
    return inspectGpu();
  },

  async createEngine({ device, model, inputSize, half }, checkpoint) {
    const [bytes, program] = await Promise.all([model.arrayBuffer(), loadProgram()]);
    await checkpoint(0.1);
    engine?.free();
    engine = undefined;
    engine = await program.engine.create(device, new Uint8Array(bytes), inputSize, half);
    const { name, software, half: isHalf } = engine.adapter();
    return { device, name, software, half: isHalf };
  },

  async setImage({ image }, checkpoint) {
    const target = requireEngine();
    const features =
      image.format === 'file'
        ? await target.setImageBytes(await readFile(image.file), checkpoint)
        : await target.setImageRgba(image.data, image.width, image.height, checkpoint);
    const imageId = nextImageId++;
    images.set(imageId, features);
    return { imageId, width: features.width, height: features.height };
  },

  async segment({ imageId, request }, checkpoint) {
    const features = images.get(imageId);
    if (!features) throw new SegmenterError('closed', 'This image was closed. Call setImage again.');
    return (await features.segment(request, checkpoint)) as Scene;
  },

  async memory() {
    const { memory } = await loadProgram();
    const gpu = requireEngine().gpuMemory() as { inUse: number; reserved: number };
    return { wasm: memory.buffer.byteLength, gpu: gpu.inUse, gpuReserved: gpu.reserved };
  },

  async closeImage({ imageId }) {
    images.get(imageId)?.free();
    images.delete(imageId);
    return null;
  },
};

async function readFile(file: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new SegmenterError('corrupt-image', 'The file could not be read. It may have been moved or changed since it was chosen; choose it again.');
  }
}

async function handle({ id, call, args }: Request): Promise<void> {
  // Rust calls this between steps; waiting for a task lets abort messages in.
  const checkpoint: Checkpoint = async (fraction) => {
    post({ type: 'progress', id, fraction });
    await yieldToEvents();
    return !aborted.has(id);
  };
  try {
    if (!aborted.has(id)) {
      const run = handlers[call] as (args: Request['args'], checkpoint: Checkpoint) => Promise<Calls[typeof call]['result']>;
      const result = await run(args, checkpoint);
      post({ type: 'result', id, result });
    }
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) crash(error.message);
    else post({ type: 'error', id, error: toErrorData(error) });
  } finally {
    aborted.delete(id);
    waiting.delete(id);
  }
}

let queue = Promise.resolve();

self.addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (crashed) return;
  if (data.type === 'abort') {
    if (waiting.has(data.id)) aborted.add(data.id);
    return;
  }
  waiting.add(data.id);
  queue = queue.then(() => handle(data));
});
