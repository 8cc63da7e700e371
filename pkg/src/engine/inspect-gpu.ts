// This file finds out which graphics adapter WebGPU offers.
import type { GpuReport } from './protocol.js';

/** Some adapters compute on the CPU but do not say so. They are known by these names. */
const SOFTWARE_NAMES = /swiftshader|llvmpipe|lavapipe|basic render|software|\bwarp\b/i;

/**
 * Describes the adapter that WebGPU offers here, or the one that is given. Nothing is computed on
 * it. The function works on a page and in a worker.
 */
export async function inspectGpu(given?: GPUAdapter): Promise<GpuReport> {
  if (given) return report(given);
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (!gpu) return { kind: 'none', detail: 'this browser does not offer WebGPU here' };
  let adapter: GPUAdapter | null;
  try {
    adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  } catch (error) {
    return {
      kind: 'none',
      detail: `WebGPU failed to start (${error instanceof Error ? error.message : String(error)})`,
    };
  }
  return adapter
    ? report(adapter)
    : { kind: 'none', detail: 'WebGPU found no usable graphics device' };
}

function report(adapter: GPUAdapter): GpuReport {
  // Older browsers have no `info`.
  const info: Partial<GPUAdapterInfo> = (adapter.info as GPUAdapterInfo | undefined) ?? {};
  const { vendor, architecture, device, description, isFallbackAdapter } = info;
  const name =
    [...new Set([vendor, architecture, device, description].filter(Boolean))].join(' ') ||
    'unnamed adapter';
  // The property has moved from the adapter to its `info`. Older browsers have it on the adapter.
  const fallback =
    isFallbackAdapter || (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter;
  return { kind: fallback || SOFTWARE_NAMES.test(name) ? 'software' : 'hardware', detail: name };
}
