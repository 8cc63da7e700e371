// This file checks whether segmenters can be created here. If not, it says what to do.
import { classNameOf } from '../common/class-name.js';
import type { SegmenterOptions } from '../common/types.js';
import { workerAddress } from '../engine/worker-address.js';

/** This is a wasm module with one SIMD instruction. It is valid only in browsers with SIMD. */
const SIMD = Uint8Array.of(
  0,
  97,
  115,
  109,
  1,
  0,
  0,
  0,
  1,
  5,
  1,
  96,
  0,
  1,
  123,
  3,
  2,
  1,
  0,
  10,
  10,
  1,
  8,
  0,
  65,
  0,
  253,
  15,
  253,
  98,
  11,
);

export const ON_SERVERS =
  'Segmentation runs in browsers. On a server, import this package but create segmenters in the page only.';

/**
 * Says what the package needs and does not have here. The result is undefined if nothing is
 * missing.
 */
export function missingHere({
  assets,
  gpu,
  worker,
}: Pick<SegmenterOptions, 'assets' | 'gpu' | 'worker'>): string | undefined {
  if (typeof Worker === 'undefined') return withoutWorkers();
  if (typeof WebAssembly === 'undefined' || !WebAssembly.validate(SIMD)) {
    return 'This browser has no WebAssembly with SIMD. Use Chrome 91, Firefox 114, Safari 16.4 or a later version.';
  }
  return gpu || worker ? undefined : unreachable(workerAddress(assets).url);
}

function withoutWorkers(): string {
  const scope = classNameOf(globalThis);
  const elsewhere = 'Create the segmenter in a page or in a dedicated worker.';
  if (scope === 'ServiceWorkerGlobalScope')
    return `A service worker cannot start workers. ${elsewhere}`;
  if (scope === 'SharedWorkerGlobalScope')
    return `This browser starts no workers from a shared worker. ${elsewhere}`;
  if (/Work(er|let)/.test(scope))
    return 'This browser starts no workers from here. Create the segmenter in the page.';
  return `There are no web workers here. ${ON_SERVERS}`;
}

/**
 * Says why a browser will not start a worker from this address, if that is certain beforehand. It
 * is not certain for schemes other than http and https, which have rules of their own.
 */
function unreachable(address: URL | string): string | undefined {
  const { origin, location } = globalThis as { origin?: string; location?: Location };
  const url = new URL(address, location?.href);
  if (origin === undefined || !/^https?:$/.test(url.protocol) || url.origin === origin)
    return undefined;
  if (origin === 'null') {
    return (
      `This page is in a sandbox and may start no worker from ${url.href}. ` +
      'Add allow-same-origin to the sandbox, or pass a function as `worker` that starts one.'
    );
  }
  return (
    `The worker's script is at ${url.href}, and browsers start no workers of another origin than the page's (${origin}). Put a copy of this ` +
    "package's folder on the page's own server and pass its address as `assets`, or pass a function as `worker` that starts one."
  );
}
