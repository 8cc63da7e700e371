// This file gets the model file from wherever the caller has it. The result is a Blob, because a
// Blob is sent to the worker without a copy and can be sent again after a restart.
import { classNameOf, isFile } from '../common/class-name.js';
import { abortedError, SegmenterError } from '../common/errors.js';
import type { ModelSource, SegmenterOptions } from '../common/types.js';
import { clearCache, isInCache, readCache } from './cache.js';
import { DEFAULT_MODEL } from './default.js';
import { sha256 as digestOf, mayMatch, wrongDigest } from './digest.js';
import { downloadShared } from './shared-download.js';

export { clearCache };

type ModelOptions = Pick<SegmenterOptions, 'model' | 'sha256' | 'assets' | 'cache'>;

/** A model file that is ready to be sent to the program. */
export interface Model {
  file: Blob;
  /**
   * True if the file was found to have the right SHA-256. The program then does not check it again.
   */
  checked: boolean;
}

type OnFraction = (fraction: number) => void;

interface LoadSettings {
  onFraction?: OnFraction | undefined;
  signal?: AbortSignal | undefined;
  /**
   * Nothing is requested from a server or from a function of the caller before this promise is
   * fulfilled. If it rejects, the load rejects too.
   */
  after?: Promise<unknown> | undefined;
}

/** Gets the model file and checks its SHA-256 if that is known. */
export async function loadModel(
  options: ModelOptions,
  { onFraction = () => {}, signal, after }: LoadSettings = {},
): Promise<Model> {
  const { cache = true, model: given } = options;
  // Bytes are read as they are at the time of the call, so there is no wait before that.
  if (typeof given === 'function' || given === undefined || isAddress(given)) await after;
  const source = typeof given === 'function' ? await ask(given) : given;
  if (signal?.aborted) throw abortedError(signal);
  if (source !== undefined && !isAddress(source)) {
    const file = await collect(source, onFraction, signal);
    if (options.sha256 === undefined) return { file, checked: false };
    const model = check(file, await digestOf(file), options.sha256, 'your source');
    // A file on a disk may change before the worker reads it.
    return isFile(source) ? { file, checked: false } : model;
  }
  const { url, bytes, sha256 } = place(source, options);
  const cached = cache ? await readCache(url, sha256) : undefined;
  if (cached) return check(cached.file, cached.digest, sha256, url.href);
  return downloadShared(url, { bytes, keep: cache, onFraction, signal }, ({ file, digest }) =>
    check(file, digest, sha256, url.href),
  );
}

/**
 * Throws if the file does not have the `expected` digest. If that is undefined, or the browser
 * offers no cryptography, the program's own check has to do.
 */
function check(
  file: Blob,
  digest: string | undefined,
  expected: string | undefined,
  from: string,
): Model {
  if (expected === undefined) return { file, checked: false };
  if (!mayMatch(digest, expected)) throw wrongDigest(from, expected);
  return { file, checked: digest !== undefined };
}

/** Says whether the model is kept in this browser, so that nothing would be downloaded. */
export async function isModelCached(options: ModelOptions): Promise<boolean> {
  const { model, cache = true } = options;
  return (
    cache &&
    typeof model !== 'function' &&
    (model === undefined || isAddress(model)) &&
    isInCache(place(model, options).url)
  );
}

/** Calls the caller's function that gives the model. */
async function ask(model: () => ModelSource | Promise<ModelSource>): Promise<ModelSource> {
  try {
    return await model();
  } catch (cause) {
    throw new SegmenterError(
      'model-missing',
      `The function passed as \`model\` failed: ${String(cause)}.`,
      { cause },
    );
  }
}

/** Says whether a source is an address and not a file. */
const isAddress = (source: ModelSource): source is URL | string =>
  typeof source === 'string' || classNameOf(source) === 'URL';

/** Finds out where the file is and what is known about it. */
function place(
  source: URL | string | undefined,
  { assets, sha256 }: ModelOptions,
): { url: URL; bytes: number | undefined; sha256: string | undefined } {
  if (source !== undefined) return { url: absolute(source), bytes: undefined, sha256 };
  // Turbopack writes addresses that are relative to the page's server.
  const url = assets
    ? new URL(DEFAULT_MODEL.file, folderOf(assets))
    : absolute(new URL('../../models/aims-base-q4.safetensors', import.meta.url));
  return { url, bytes: DEFAULT_MODEL.bytes, sha256: DEFAULT_MODEL.sha256 };
}

/** Makes an absolute address. Relative addresses are relative to the page. */
function absolute(address: URL | string): URL {
  try {
    return new URL(address, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    throw new TypeError(
      `'${String(address)}' is no address of a model or of a copy of this package. Relative addresses need a page that has one.`,
    );
  }
}

/** Gives the address of a folder, which may have been passed without a slash at its end. */
export const folderOf = (address: URL | string): URL =>
  absolute(String(address).replace(/\/?$/, '/'));

type Data = Exclude<ModelSource, URL | string>;

/** Collects the bytes of a file that was passed in any form. */
async function collect(
  source: Data,
  onFraction: OnFraction,
  signal: AbortSignal | undefined,
): Promise<Blob> {
  if (isFile(source)) return source;
  if (classNameOf(source) === 'ArrayBuffer' || ArrayBuffer.isView(source))
    return new Blob([source as Uint8Array<ArrayBuffer>]);
  const response = classNameOf(source) === 'Response' ? (source as Response) : undefined;
  const stream = response ? response.body : source;
  if (classNameOf(stream) !== 'ReadableStream' || (response && !response.ok)) {
    throw new SegmenterError(
      'model-missing',
      `What was passed as \`model\` is no model file${response ? ` (status ${response.status})` : ''}.`,
    );
  }
  let loaded = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      loaded += chunk.length;
      onFraction(loaded / (loaded + DEFAULT_MODEL.bytes));
      controller.enqueue(chunk);
    },
  });
  try {
    // This throws if the stream is being read by somebody else.
    const counted = (stream as ReadableStream<Uint8Array>).pipeThrough(counter, {
      ...(signal && { signal }),
    });
    return await new Response(counted as ReadableStream<Uint8Array<ArrayBuffer>>).blob();
  } catch (cause) {
    if (signal?.aborted) throw abortedError(signal);
    const why = `The stream passed as \`model\` could not be read to its end: ${String(cause)}`;
    throw new SegmenterError('model-missing', `${why}. Pass one that is new and unread.`, {
      cause,
    });
  }
}
