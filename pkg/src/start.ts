// Chooses a device and starts the engine on it.
import { WorkerClient } from './client.js';
import { cpuAdapter, webgpuAdapter } from './device.js';
import { SegmenterError } from './errors.js';
import type { Model } from './model/load.js';
import type { OpenPort } from './port.js';
import type { GpuReport } from './protocol.js';
import type { Adapter, SegmenterOptions } from './types.js';

export interface StartOptions {
  device: NonNullable<SegmenterOptions['device']>;
  model: Promise<Model>;
  inputSize: number | undefined;
  half: boolean;
  port: OpenPort;
  /** Told when a worker that had started ends by itself. */
  onEnd: (error: SegmenterError) => void;
  onFraction: (fraction: number) => void;
  signal: AbortSignal | undefined;
}

export interface Started {
  client: WorkerClient;
  adapter: Adapter;
}

export async function start(options: StartOptions): Promise<Started> {
  const { device, model, port, onEnd, signal } = options;
  const client = new WorkerClient(port, onEnd);
  try {
    // The worker loads its program meanwhile.
    const [gpu] = await Promise.all([client.call('inspectGpu', {}, { signal }), model]);
    if (device === 'cpu') return await startCpu(client, options, 'it was asked for');
    if (device === 'webgpu') return await startGpu(client, options, gpu);
    if (gpu.kind === 'none') return await startCpu(client, options, gpu.detail);
    if (gpu.kind === 'software') {
      return await startCpu(client, options, `the only WebGPU adapter (${gpu.detail}) computes in software, which is slower`);
    }
    return await startGpu(client, options, gpu).catch((error: unknown) => startAfterGpu(client, options, gpu, error));
  } catch (error) {
    client.end(new SegmenterError('closed', 'The segmenter could not be created.'));
    throw error;
  }
}

async function startCpu(client: WorkerClient, options: StartOptions, why: string): Promise<Started> {
  return { client, adapter: cpuAdapter(await createEngine(client, 'cpu', options), why) };
}

async function startGpu(client: WorkerClient, options: StartOptions, gpu: GpuReport): Promise<Started> {
  if (gpu.kind === 'none') {
    throw new SegmenterError('no-webgpu', `WebGPU cannot be used: ${gpu.detail}. Take device 'cpu' or 'auto', or a browser with WebGPU.`);
  }
  const engine = await createEngine(client, 'webgpu', options);
  return { client, adapter: webgpuAdapter(engine, gpu, options.device === 'webgpu') };
}

/** A device that is there but does not work: the CPU, in a fresh worker, as a failed start may leave anything behind. */
async function startAfterGpu(failed: WorkerClient, options: StartOptions, gpu: GpuReport, error: unknown): Promise<Started> {
  const isDeviceFault = error instanceof SegmenterError && ['no-webgpu', 'device-lost', 'internal'].includes(error.code);
  if (!isDeviceFault) throw error;
  failed.end(error);
  const client = new WorkerClient(options.port, options.onEnd);
  try {
    return await startCpu(client, options, `WebGPU (${gpu.detail}) failed a trial: ${error.message.replace(/\.$/, '')}`);
  } catch (cpuError) {
    client.end(error);
    throw cpuError;
  }
}

async function createEngine(client: WorkerClient, device: 'webgpu' | 'cpu', { model, inputSize, half, onFraction, signal }: StartOptions) {
  return client.call('createEngine', { device, model: await model, inputSize, half }, { onFraction, signal });
}
