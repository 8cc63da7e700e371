// This file finds the address of the worker's script.
import { SegmenterError } from '../common/errors.js';
import { folderOf } from '../model/load.js';

export interface WorkerAddress {
  url: URL | string;
  options: WorkerOptions;
}

/** The name of the package's Trusted Types policy. `docs/guide.md` tells pages about it. */
const POLICY = 'aims-web';

/**
 * Gives the address in the copy of the package at `assets`. Without `assets` it gives the address
 * that the page's bundler has written into this file.
 */
export function workerAddress(assets: URL | string | undefined): WorkerAddress {
  if (assets === undefined) return bundled();
  return {
    url: new URL('dist/worker.js', folderOf(assets)),
    options: { type: 'module', name: 'aims-web' },
  };
}

/**
 * Bundlers look for `new Worker(new URL(...))`, written exactly as below, and put their own
 * address there. This function reads that address without starting a worker: while the line
 * runs, `Worker` is a stand-in that only stores what it is given.
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

/**
 * Turns the address of the package's script into what pages with the policy
 * `require-trusted-types-for 'script'` accept. No other address may be passed to it.
 */
export function trusted(url: URL | string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (!trustedTypes) return String(url);
  try {
    policy ??= trustedTypes.createPolicy(POLICY, { createScriptURL: (address) => address });
    return policy.createScriptURL(String(url));
  } catch {
    // The page does not allow a policy with this name. If it requires one, the worker cannot be
    // started, and that error names the policy.
    return String(url);
  }
}
