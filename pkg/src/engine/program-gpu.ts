// The engine asks the browser for a graphics device by itself. Here its question is overheard, to know when the device is lost, or
// answered with a device of the page's own.

export interface HostGpu {
  adapter: GPUAdapter;
  device: GPUDevice;
}

/**
 * What cubecl expects of every browser: without it, it panics, though nothing here measures time. So all adapters are said to have it, and
 * devices are asked for without it where it is not there.
 */
const EXPECTED = 'timestamp-query';

/** In this worker from now on: makes up for {@link EXPECTED}, and calls back when a device is lost. */
export function watchDevices(report: (message: string) => void): void {
  const prototype = (globalThis as { GPUAdapter?: { prototype: GPUAdapter } }).GPUAdapter?.prototype;
  const features = prototype && Object.getOwnPropertyDescriptor(prototype, 'features')?.get;
  if (!features) return;
  const { requestDevice } = prototype;
  prototype.requestDevice = async function (descriptor = {}) {
    const available = features.call(this) as GPUSupportedFeatures;
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])].filter((feature) => available.has(feature));
    const device = await requestDevice.call(this, { ...descriptor, requiredFeatures });
    void device.lost.then(({ message, reason }) => report(message || reason || 'no reason was given'));
    return device;
  };
  Object.defineProperty(prototype, 'features', {
    configurable: true,
    get(this: GPUAdapter) {
      return claimed(features.call(this) as GPUSupportedFeatures);
    },
  });
}

const claimed = (features: GPUSupportedFeatures): Set<string> => new Set([...(features as unknown as Iterable<string>), EXPECTED]);

/** Runs `create`, whose first request for an adapter, and then for its device, gets those of the page. */
export async function lend<Result>({ adapter, device }: HostGpu, create: () => Promise<Result>): Promise<Result> {
  // What the device was opened with, which may be less than the adapter has.
  const own: Record<PropertyKey, unknown> = { features: claimed(device.features), limits: device.limits, requestDevice: async () => device };
  const lent = new Proxy(adapter, { get: (target, key) => own[key] ?? bound(target, key) });
  const { navigator } = globalThis;
  const { gpu } = navigator;
  const restore = () => delete (navigator as { gpu?: GPU }).gpu;
  const requestAdapter = async () => {
    restore();
    return lent;
  };
  Object.defineProperty(navigator, 'gpu', {
    configurable: true,
    value: new Proxy(gpu, { get: (target, key) => (key === 'requestAdapter' ? requestAdapter : bound(target, key)) }),
  });
  const handler = device.onuncapturederror;
  try {
    return await create();
  } finally {
    restore();
    // The engine sets the handler; the page's own stays, and both are called.
    const engines = device.onuncapturederror;
    device.onuncapturederror = handler;
    if (engines && engines !== handler) device.addEventListener('uncapturederror', engines as EventListener);
  }
}

/** Browsers' objects refuse to be asked through anything but themselves. */
function bound(target: object, key: PropertyKey): unknown {
  const value = Reflect.get(target, key, target) as unknown;
  return typeof value === 'function' ? value.bind(target) : value;
}
