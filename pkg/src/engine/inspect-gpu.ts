import type { Adapter } from '../common/types.js';
import type { EngineInfo, GpuReport } from './protocol.js';

// Software adapters that do not mark themselves as fallback.
const SOFTWARE_NAMES = /swiftshader|llvmpipe|lavapipe|basic render|software|\bwarp\b/i;

/** Looks at what WebGPU offers here, or at the adapter given, without computing anything. Works on a page and in a worker. */
export async function inspectGpu(given?: GPUAdapter): Promise<GpuReport> {
  if (given) return report(given);
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (!gpu) return { kind: 'none', detail: 'this browser does not offer WebGPU here' };
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (error) {
    return { kind: 'none', detail: `WebGPU failed to start (${error instanceof Error ? error.message : String(error)})` };
  }
  return adapter ? report(adapter) : { kind: 'none', detail: 'WebGPU found no usable graphics device' };
}

function report(adapter: GPUAdapter): GpuReport {
  // Older browsers do not tell it.
  const info: Partial<GPUAdapterInfo> = (adapter.info as GPUAdapterInfo | undefined) ?? {};
  const { vendor, architecture, device, description, isFallbackAdapter } = info;
  const name = [...new Set([vendor, architecture, device, description].filter(Boolean))].join(' ') || 'unnamed adapter';
  // The attribute moved from the adapter to its info; older browsers still have it on the adapter.
  const fallback = isFallbackAdapter || (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter;
  return { kind: fallback || SOFTWARE_NAMES.test(name) ? 'software' : 'hardware', detail: name };
}

export const webgpuAdapter = (engine: EngineInfo, gpu: GpuReport, requested: boolean): Adapter => {
  const software = engine.software || gpu.kind === 'software';
  const name = engine.name || gpu.detail;
  const why = requested ? 'it was asked for' : 'a trial computation on it succeeded';
  return { device: 'webgpu', name, software, precision: engine.precision, reason: `Runs on WebGPU (${name}) because ${why}.${software ? ' This adapter computes on the CPU, so expect it to be slow.' : ''}` };
};

export const cpuAdapter = (engine: EngineInfo, why: string): Adapter => ({
  device: 'cpu',
  name: engine.name,
  software: false,
  precision: 'f32',
  reason: `Runs on the CPU because ${why}.`,
});
