// This file chooses a device and starts the engine on it.
import { follow, unlessAborted } from '../common/abort.js';
import { SegmenterError } from '../common/errors.js';
import type { Adapter, Precision, SegmenterOptions } from '../common/types.js';
import { WorkerClient } from '../engine/client.js';
import type { OpenPort } from '../engine/port.js';
import type { EngineInfo, GpuReport } from '../engine/protocol.js';
import type { Model } from '../model/load.js';

export interface StartOptions {
  device: NonNullable<SegmenterOptions['device']>;
  /**
   * Gets the model file. It waits for `after` before it downloads anything, because a download
   * would be wasted if the worker did not start.
   */
  loadModel: (settings: { after: Promise<unknown>; signal: AbortSignal }) => Promise<Model>;
  inputSize: number | undefined;
  precision: Precision;
  port: OpenPort;
  /** This is called when a worker that has started ends without having been asked to. */
  onEnd: (error: SegmenterError) => void;
  onFraction: (fraction: number) => void;
  signal: AbortSignal | undefined;
}

/** The options while the model is being loaded and the program looks for devices. */
type LoadingOptions = Omit<StartOptions, 'loadModel'> & { loading: Promise<Model> };

export interface Started {
  client: WorkerClient;
  model: Model;
  adapter: Adapter;
}

/** Starts the program, looks for devices, and creates the engine on the one that it chooses. */
export async function start({ loadModel, ...given }: StartOptions): Promise<Started> {
  const { device, port, onEnd, signal } = given;
  const client = new WorkerClient(port, onEnd);
  const { controller, release } = follow(signal);
  try {
    const running = client.call('begin', {}, { signal });
    const loading = loadModel({ after: running, signal: controller.signal });
    // If the worker fails first, nobody waits for the model, and its failure must not be reported.
    loading.catch(() => {});
    const options: LoadingOptions = { ...given, loading };
    await running;
    if (device === 'cpu') return await startCpu(client, options, 'it was asked for');
    const gpu = await client.call('inspectGpu', {}, { signal });
    if (device === 'webgpu') return await startGpu(client, options, gpu);
    if (gpu.kind === 'none') return await startCpu(client, options, gpu.detail);
    if (gpu.kind === 'software') {
      return await startCpu(
        client,
        options,
        `the only WebGPU adapter (${gpu.detail}) computes in software, which is slower`,
      );
    }
    return await startGpu(client, options, gpu).catch((error: unknown) =>
      startAfterGpu(client, options, gpu, error),
    );
  } catch (error) {
    controller.abort();
    client.end(new SegmenterError('closed', 'The segmenter could not be created.'));
    throw error;
  } finally {
    release();
  }
}

async function startCpu(
  client: WorkerClient,
  options: LoadingOptions,
  why: string,
): Promise<Started> {
  const { engine, model } = await createEngine(client, 'cpu', options);
  return { client, model, adapter: cpuAdapter(engine, why) };
}

async function startGpu(
  client: WorkerClient,
  options: LoadingOptions,
  gpu: GpuReport,
): Promise<Started> {
  if (gpu.kind === 'none') {
    throw new SegmenterError(
      'no-webgpu',
      `WebGPU cannot be used: ${gpu.detail}. Use device 'cpu' or 'auto', or a browser with WebGPU.`,
    );
  }
  const { engine, model } = await createEngine(client, 'webgpu', options);
  return { client, model, adapter: webgpuAdapter(engine, gpu, options.device === 'webgpu') };
}

/**
 * Starts on the CPU after a graphics device has failed. It takes a new worker, because the old one
 * may be left in any state.
 */
async function startAfterGpu(
  failed: WorkerClient,
  options: LoadingOptions,
  gpu: GpuReport,
  error: unknown,
): Promise<Started> {
  const isDeviceFault =
    error instanceof SegmenterError &&
    ['no-webgpu', 'device-lost', 'internal'].includes(error.code);
  if (!isDeviceFault) throw error;
  failed.end(error);
  const client = new WorkerClient(options.port, options.onEnd);
  try {
    return await startCpu(
      client,
      options,
      `WebGPU (${gpu.detail}) failed a trial: ${error.message.replace(/\.$/, '')}`,
    );
  } catch (cpuError) {
    client.end(error);
    throw cpuError;
  }
}

async function createEngine(
  client: WorkerClient,
  device: 'webgpu' | 'cpu',
  { loading, inputSize, precision, onFraction, signal }: LoadingOptions,
) {
  const model = await unlessAborted(loading, signal);
  return {
    model,
    engine: await client.call(
      'createEngine',
      { device, model, inputSize, precision },
      { onFraction, signal },
    ),
  };
}

const webgpuAdapter = (engine: EngineInfo, gpu: GpuReport, requested: boolean): Adapter => {
  const software = engine.software || gpu.kind === 'software';
  const name = engine.name || gpu.detail;
  const why = requested ? 'it was asked for' : 'a trial computation on it succeeded';
  return {
    device: 'webgpu',
    name,
    software,
    precision: engine.precision,
    reason: `Runs on WebGPU (${name}) because ${why}.${software ? ' This adapter computes on the CPU, so expect it to be slow.' : ''}`,
  };
};

const cpuAdapter = (engine: EngineInfo, why: string): Adapter => ({
  device: 'cpu',
  name: engine.name,
  software: false,
  precision: 'f32',
  reason: `Runs on the CPU because ${why}.`,
});
