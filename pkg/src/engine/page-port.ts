// This port runs the program on the page itself, on a graphics device of the page's own.
import { SegmenterError } from '../common/errors.js';
import type { Host } from './host.js';
import type { OpenPort, PortEvents } from './port.js';
import type { PageGpu } from './program-gpu.js';

/** A page loads the program once, so all segmenters on it share one device. */
let pageDevice: GPUDevice | undefined;
/** The segmenters on that device hear of events here. If the device is lost, all of them fail. */
const running = new Set<PortEvents>();
const hosts = new Set<Host>();
const crashAll = (text: string): void => hosts.forEach((host) => host.crash(text));

// Some traps are not Rust panics, for example if memory runs out, and the panic hook does not
// report them. In a task that the program has started itself, such a trap becomes an uncaught error
// of the page, and the promise of the call stays pending for ever. All other uncaught errors belong
// to the page and are ignored here.
const crashOfTrap = (error: unknown): void => {
  if (error instanceof WebAssembly.RuntimeError) crashAll(error.message);
};
const onError = ({ error }: ErrorEvent): void => crashOfTrap(error);
const onRejection = ({ reason }: PromiseRejectionEvent): void => crashOfTrap(reason);

function add(host: Host): void {
  hosts.add(host);
  Object.assign(globalThis, { __aimsPanic: crashAll });
  // Adding a listener that was added before does nothing.
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
  (gpu: PageGpu, assets: URL | undefined): OpenPort =>
  (events) => {
    takeDevice(gpu.device);
    running.add(events);
    const own = (): Promise<typeof import('./host.js')> => import('./host.js');
    // The comments in this import tell bundlers to leave it alone. Without them, bundlers would
    // look for the file when they build.
    const copied = (address: string): ReturnType<typeof own> =>
      import(/* @vite-ignore */ /* webpackIgnore: true */ address);
    const address = assets && new URL('dist/engine/host.js', assets).href;
    const loading = (address ? copied(address) : own()).then(({ Host }) => {
      // The client gets answers in a later task, as it does from a worker.
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
  if (pageDevice)
    throw new TypeError('Segmenters of one page must share one GPUDevice, until it is lost.');
  pageDevice = device;
  // There is one callback for all segmenters, because a callback on `lost` is kept in memory for
  // as long as the device.
  void device.lost.then(({ message, reason }) => {
    pageDevice = undefined;
    for (const events of [...running])
      events.message({ type: 'lost', message: message || reason || 'no reason was given' });
  });
}

const stopped = (why: string): SegmenterError =>
  new SegmenterError(
    'internal',
    `The segmentation program, which runs on the page, stopped unexpectedly: ${why}. The next call starts it again.`,
  );

const lost = (why: string): SegmenterError =>
  new SegmenterError(
    'device-lost',
    `The GPUDevice that was passed as \`gpu\` was lost (${why}). Create a segmenter with a new one.`,
  );

function notLoaded(address: string | undefined, cause: unknown): SegmenterError {
  const script = address ? `script ${address}` : "package's script host.js";
  return new SegmenterError(
    'internal',
    `The ${script} could not be loaded (${String(cause)}). Check that the server has it.`,
    { cause },
  );
}
