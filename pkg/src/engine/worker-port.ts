// This port runs the program in a dedicated worker.
import { SegmenterError } from '../common/errors.js';
import type { SegmenterOptions } from '../common/types.js';
import type { OpenPort } from './port.js';
import type { FromWorker } from './protocol.js';
import { trusted, type WorkerAddress, workerAddress } from './worker-address.js';

/**
 * Starts a worker, with the page's function `worker` if there is one, and otherwise with the
 * package's own script.
 */
export const workerPort =
  ({ assets, worker: start }: Pick<SegmenterOptions, 'assets' | 'worker'>): OpenPort =>
  ({ message, failed }) => {
    const address = start ? undefined : workerAddress(assets);
    const worker = address ? startOwn(address) : startWith(start!);
    let isHeard = false;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      isHeard = true;
      message(data);
    };
    worker.onmessageerror = () => failed(stopped('a message could not be read'));
    worker.onerror = (event) => {
      event.preventDefault();
      failed(
        isHeard
          ? stopped(event.message || 'the browser does not say why')
          : notLoaded(address, event.message),
      );
    };
    return {
      post: (request) => worker.postMessage(request),
      end: () => worker.terminate(),
      stopped,
      lost,
    };
  };

function startOwn({ url, options }: WorkerAddress): Worker {
  try {
    return new Worker(trusted(url), options);
  } catch (cause) {
    const advice =
      cause instanceof TypeError && 'trustedTypes' in globalThis
        ? 'If the page requires Trusted Types, let its policy allow the name aims-web (`trusted-types aims-web`)'
        : "Serve the package's files from the page's own server";
    const why = `the browser refused its script ${String(url)} (${String(cause)})`;
    throw notStarted(`${why}. ${advice}, or pass a function as \`worker\` that starts one.`, cause);
  }
}

function startWith(start: () => Worker): Worker {
  let worker: Worker;
  try {
    worker = start();
  } catch (cause) {
    throw notStarted(
      `the function passed as \`worker\` failed (${String(cause)}). Let it give a new Worker of aims-web/worker at each call.`,
      cause,
    );
  }
  if (typeof worker?.postMessage !== 'function' || typeof worker.terminate !== 'function') {
    throw new TypeError('The function passed as `worker` must give a Worker.');
  }
  return worker;
}

/**
 * Makes the error for a worker that ended before it answered anything. If there is no `message`,
 * the script could not be loaded. Browsers do not say why.
 */
function notLoaded(
  address: WorkerAddress | undefined,
  message: string | undefined,
): SegmenterError {
  const script = address
    ? `its script ${String(address.url)}`
    : 'the script of the worker that was passed';
  if (message) {
    return notStarted(
      `${script} failed (${message}). Check that it is the file of this package, and that the browser is Chrome 91, Firefox 114, ` +
        'Safari 16.4 or a later version.',
    );
  }
  return notStarted(
    `${script} could not be loaded. Check that the server has it, that the page's Content-Security-Policy allows it (worker-src), and that it ` +
      'is served with the Cross-Origin-Embedder-Policy of the page, if the page has one.',
  );
}

const stopped = (why: string): SegmenterError =>
  new SegmenterError(
    'internal',
    `The segmentation worker stopped unexpectedly: ${why}. The next call starts another one.`,
  );

const lost = (why: string): SegmenterError =>
  new SegmenterError(
    'device-lost',
    `The GPU stopped working (${why}). The next call starts it again; if it happens again, use the CPU.`,
  );

const notStarted = (why: string, cause?: unknown): SegmenterError =>
  new SegmenterError(
    'unsupported-environment',
    `The segmentation worker could not be started: ${why}`,
    { cause },
  );
