// The program asks the browser for a graphics device itself. This file steps in between. In a
// worker it watches the devices that the program gets, to report when one is lost. On the page
// it can give the program a device that belongs to the page.

/** A graphics device of the page, and the adapter that the page got it from. */
export interface PageGpu {
  adapter: GPUAdapter;
  device: GPUDevice;
}

/**
 * The library cubecl panics in browsers that lack this feature, although nothing here measures
 * time. So every adapter is made to say that it has the feature. When a device is requested, the
 * feature is removed from the request if the adapter does not have it.
 */
const EXPECTED = 'timestamp-query';

/**
 * Watches all devices that this worker requests from now on, and calls `report` when one is
 * lost. It also makes adapters say that they have the feature {@link EXPECTED}.
 */
export function watchDevices(report: (message: string) => void): void {
  const prototype = (globalThis as { GPUAdapter?: { prototype: GPUAdapter } }).GPUAdapter
    ?.prototype;
  const features = prototype && Object.getOwnPropertyDescriptor(prototype, 'features')?.get;
  if (!features) return;
  const { requestDevice } = prototype;
  prototype.requestDevice = async function (descriptor = {}) {
    const available = features.call(this) as GPUSupportedFeatures;
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])].filter((feature) =>
      available.has(feature),
    );
    const device = await requestDevice.call(this, { ...descriptor, requiredFeatures });
    void device.lost.then(({ message, reason }) =>
      report(message || reason || 'no reason was given'),
    );
    return device;
  };
  Object.defineProperty(prototype, 'features', {
    configurable: true,
    get(this: GPUAdapter) {
      return claimed(features.call(this) as GPUSupportedFeatures);
    },
  });
}

const claimed = (features: GPUSupportedFeatures): Set<string> =>
  new Set([...(features as unknown as Iterable<string>), EXPECTED]);

/**
 * Runs `create`. The first adapter that it requests, and the device that it requests from that
 * adapter, are those of the page.
 */
export async function lendPageGpu<Result>(
  { adapter, device }: PageGpu,
  create: () => Promise<Result>,
): Promise<Result> {
  // The device may have fewer features and lower limits than its adapter, and the program may
  // only use those of the device.
  const own: Record<PropertyKey, unknown> = {
    features: claimed(device.features),
    limits: device.limits,
    requestDevice: async () => device,
  };
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
    value: new Proxy(gpu, {
      get: (target, key) => (key === 'requestAdapter' ? requestAdapter : bound(target, key)),
    }),
  });
  const handler = device.onuncapturederror;
  try {
    return await create();
  } finally {
    restore();
    // The program has set its own handler for errors. The page gets its handler back, and the
    // program's handler becomes a listener, so that both are called.
    const engines = device.onuncapturederror;
    device.onuncapturederror = handler;
    if (engines && engines !== handler)
      device.addEventListener('uncapturederror', engines as EventListener);
  }
}

/**
 * Reads a property of a browser's object. Its methods are bound to the object, because they
 * throw if they are called on a proxy.
 */
function bound(target: object, key: PropertyKey): unknown {
  const value = Reflect.get(target, key, target) as unknown;
  return typeof value === 'function' ? value.bind(target) : value;
}
