// The page itself as the place where the engine runs, with a graphics device of the page's own.
import { SegmenterError } from '../common/errors.js';
import type { Host } from './host.js';
import type { OpenPort, PortEvents } from './port.js';
import type { HostGpu } from './program-gpu.js';

/** The program on a page is there once, and so is its device. */
let pageDevice: GPUDevice | undefined;
/** Segmenters that run on it. What befalls the device or the program befalls all of them. */
const running = new Set<PortEvents>();
const hosts = new Set<Host>();
const crashAll = (text: string): void => hosts.forEach((host) => host.crash(text));

// A trap that is no Rust panic (out of memory, for one) does not pass through the panic's hook. In a task of the wasm side's own it is an
// uncaught error, while the call's promise stays pending for ever. Other errors of the page are none of this package's business.
const crashOfTrap = (error: unknown): void => {
  if (error instanceof WebAssembly.RuntimeError) crashAll(error.message);
};
const onError = ({ error }: ErrorEvent): void => crashOfTrap(error);
const onRejection = ({ reason }: PromiseRejectionEvent): void => crashOfTrap(reason);

function add(host: Host): void {
  hosts.add(host);
  Object.assign(globalThis, { __aimsPanic: crashAll });
  // To add a listener again does nothing.
  globalThis.addEventListener('error', onError);
  globalThis.addEventListener('unhandledrejection', onRejection);
}

function remove(host: Host): void {
  hosts.delete(host);
  if (hosts.size > 0) return;
  globalThis.removeEventListener('error', onError);
  globalThis.removeEventListener('unhandledrejection', onRejection);
}

export const pagePort =
  (gpu: HostGpu, assets: URL | undefined): OpenPort =>
  (events) => {
    takeDevice(gpu.device);
    running.add(events);
    const own = (): Promise<typeof import('./host.js')> => import('./host.js');
    // Not for bundlers: they would look for it when they build.
    const copied = (address: string): ReturnType<typeof own> => import(/* @vite-ignore */ /* webpackIgnore: true */ address);
    const address = assets && new URL('dist/engine/host.js', assets).href;
    const loading = (address ? copied(address) : own()).then(({ Host }) => {
      // Answers come later, as a worker's do.
      const host = new Host((answer) => queueMicrotask(() => events.message(answer)), gpu);
      add(host);
      return host;
    });
    loading.catch((cause: unknown) => events.failed(notLoaded(address, cause)));
    const withHost = (use: (host: Host) => void) => void loading.then(use, () => {});
    return {
      post: (message) => withHost((host) => host.receive(message)),
      end: () => {
        running.delete(events);
        withHost((host) => {
          remove(host);
          host.end();
        });
      },
      stopped,
      lost,
    };
  };

/** @throws {TypeError} if the page's segmenters run on another device, which is not lost. */
function takeDevice(device: GPUDevice): void {
  if (pageDevice === device) return;
  if (pageDevice) throw new TypeError('Segmenters of one page must share one GPUDevice, until it is lost.');
  pageDevice = device;
  // Once for all of them: what waits for a device to be lost is kept as long as the device.
  void device.lost.then(({ message, reason }) => {
    pageDevice = undefined;
    for (const events of [...running]) events.message({ type: 'lost', message: message || reason || 'no reason was given' });
  });
}

const stopped = (why: string): SegmenterError =>
  new SegmenterError('internal', `The segmentation program, which runs on the page, stopped unexpectedly: ${why}. The next call starts it again.`);

const lost = (why: string): SegmenterError =>
  new SegmenterError('device-lost', `The GPUDevice that was passed as \`gpu\` was lost (${why}). Create a segmenter with a new one.`);

function notLoaded(address: string | undefined, cause: unknown): SegmenterError {
  const script = address ? `script ${address}` : "package's script host.js";
  return new SegmenterError('internal', `The ${script} could not be loaded (${String(cause)}). Check that the server has it.`, { cause });
}
