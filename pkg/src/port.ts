// The two places where the engine can run, as the client sees them.
import type { HostGpu } from './host-gpu.js';
import type { FromWorker, ToWorker } from './protocol.js';

export interface PortEvents {
  message: (message: FromWorker) => void;
  /** Nothing will be answered any more. */
  failed: (why: string) => void;
}

export interface Port {
  post(message: ToWorker): void;
  /** Frees all memory. */
  end(): void;
}

export type OpenPort = (events: PortEvents) => Port;

/** A worker; of a copy of the package, where its address is given. */
export const workerPort =
  (assets: URL | undefined): OpenPort =>
  ({ message, failed }) => {
    // Bundlers look for the first of these as it is written.
    const worker = assets
      ? new Worker(new URL('dist/worker.js', assets), { type: 'module', name: 'aims-web' })
      : new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'aims-web' });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => message(data);
    worker.onmessageerror = () => failed('a message could not be read');
    worker.onerror = (event) => {
      event.preventDefault();
      failed(event.message || 'its script could not be loaded');
    };
    return { post: (message) => worker.postMessage(message), end: () => worker.terminate() };
  };

/** The program on a page is there once, and so is its device. */
let pageDevice: GPUDevice | undefined;

/** The page itself, with a device of its own. */
export const pagePort =
  (gpu: HostGpu, assets: URL | undefined): OpenPort =>
  ({ message, failed }) => {
    if (pageDevice && pageDevice !== gpu.device) throw new TypeError('Segmenters of one page must share one GPUDevice, until it is lost.');
    pageDevice = gpu.device;
    const own = (): Promise<typeof import('./host.js')> => import('./host.js');
    // Not for bundlers: they would look for it when they build.
    const copied = (folder: URL): ReturnType<typeof own> => import(/* @vite-ignore */ /* webpackIgnore: true */ new URL('dist/host.js', folder).href);
    const loading = (assets ? copied(assets) : own()).then(({ Host }) => {
      // Answers come later, as a worker's do.
      const host = new Host((answer) => queueMicrotask(() => message(answer)), gpu);
      Object.assign(globalThis, { __aimsPanic: (text: string) => host.crash(text) });
      return host;
    });
    loading.catch((error: unknown) => failed(String(error)));
    void gpu.device.lost.then(({ message: why, reason }) => {
      if (pageDevice === gpu.device) pageDevice = undefined;
      message({ type: 'lost', message: why || reason || 'no reason was given' });
    });
    const withHost = (use: (host: Awaited<typeof loading>) => void) => void loading.then(use, () => {});
    return { post: (message) => withHost((host) => host.receive(message)), end: () => withHost((host) => host.end()) };
  };
