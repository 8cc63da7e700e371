// This finds the worker's script and asks the browser to start it.
import { SegmenterError } from '../common/errors.js';
import { folderOf } from '../model/load.js';

export interface WorkerAddress {
  url: URL | string;
  options: WorkerOptions;
}

/** The name of this package's Trusted Types policy; `docs/guide.md` tells it to pages. */
const POLICY = 'aims-web';

/** The address in a copy of the package at `assets`; else the one that the page's bundler has put into this program. */
export function workerAddress(assets: URL | string | undefined): WorkerAddress {
  if (assets === undefined) return bundled();
  return { url: new URL('dist/worker.js', folderOf(assets)), options: { type: 'module', name: 'aims-web' } };
}

/**
 * Bundlers look for `new Worker(new URL(...))` as it is written below and put their own address there, so this is where it can be
 * learned. Nothing is started: for the length of that line, `Worker` is a stand-in that notes what it is given.
 */
function bundled(): WorkerAddress {
  const scope = globalThis as { Worker: unknown };
  const { Worker: original } = scope;
  let address: WorkerAddress | undefined;
  scope.Worker = function note(url: URL | string, options: WorkerOptions = {}) {
    address = { url, options };
  };
  try {
    new Worker(new URL('../worker.js', import.meta.url), { type: 'module', name: 'aims-web' });
  } finally {
    scope.Worker = original;
  }
  if (address) return address;
  throw new SegmenterError(
    'unsupported-environment',
    "The address of the worker's script is not known here. Pass a function as `worker` that starts a worker of aims-web/worker.",
  );
}

interface TrustedPolicy {
  createScriptURL(url: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): TrustedPolicy;
}

let policy: TrustedPolicy | undefined;

/** The address as pages with `require-trusted-types-for 'script'` take it. It is for no address but this package's own. */
export function trusted(url: URL | string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (!trustedTypes) return String(url);
  try {
    policy ??= trustedTypes.createPolicy(POLICY, { createScriptURL: (address) => address });
    return policy.createScriptURL(String(url));
  } catch {
    // The page allows no policy of this name. If it requires one, starting the worker fails and says so.
    return String(url);
  }
}
