// Gets the model file, from wherever the caller has it. It becomes a Blob: the worker receives it without a copy, and again after a
// restart.
import { isFile, classNameOf } from '../common/class-name.js';
import { SegmenterError, abortedError } from '../common/errors.js';
import type { ModelSource, SegmenterOptions } from '../common/types.js';
import { clearCache, isInCache, readCache } from './cache.js';
import { DEFAULT_MODEL } from './default.js';
import { corrupt, mayBe, sha256 as digestOf } from './digest.js';
import { downloadShared } from './shared-download.js';

export { clearCache };

export type ModelOptions = Pick<SegmenterOptions, 'model' | 'sha256' | 'assets' | 'cache'>;

export interface Model {
  file: Blob;
  /** Whether it was found to have the SHA-256 that it should have, so that the program need not check it again. */
  checked: boolean;
}

type OnFraction = (fraction: number) => void;

export interface LoadSettings {
  onFraction?: OnFraction | undefined;
  signal?: AbortSignal | undefined;
  /** Nothing is asked of a server, nor of a function of the caller's, before this is done; if it fails, so does the load. */
  after?: Promise<unknown> | undefined;
}

export async function loadModel(options: ModelOptions, { onFraction = () => {}, signal, after }: LoadSettings = {}): Promise<Model> {
  const { cache = true, model: given } = options;
  // Bytes are taken as they are at the time of the call: nothing is waited for before.
  if (typeof given === 'function' || given === undefined || isAddress(given)) await after;
  const source = typeof given === 'function' ? await ask(given) : given;
  if (signal?.aborted) throw abortedError(signal);
  if (source !== undefined && !isAddress(source)) {
    const file = await collect(source, onFraction, signal);
    if (options.sha256 === undefined) return { file, checked: false };
    const model = check(file, await digestOf(file), options.sha256, 'your source');
    // A file on a disk may change until the worker reads it.
    return isFile(source) ? { file, checked: false } : model;
  }
  const { url, bytes, sha256 } = place(source, options);
  const cached = cache ? await readCache(url, sha256) : undefined;
  if (cached) return check(cached.file, cached.digest, sha256, url.href);
  return downloadShared(url, { bytes, keep: cache, onFraction, signal }, ({ file, digest }) => check(file, digest, sha256, url.href));
}

/** Without an `expected` digest, or a browser's cryptography, the program's own check has to do. */
function check(file: Blob, digest: string | undefined, expected: string | undefined, from: string): Model {
  if (expected === undefined) return { file, checked: false };
  if (!mayBe(digest, expected)) throw corrupt(from, expected);
  return { file, checked: digest !== undefined };
}

/** Whether the model is kept in this browser, so that nothing would be downloaded. */
export async function isModelCached(options: ModelOptions): Promise<boolean> {
  const { model, cache = true } = options;
  return cache && typeof model !== 'function' && (model === undefined || isAddress(model)) && isInCache(place(model, options).url);
}

async function ask(model: () => ModelSource | Promise<ModelSource>): Promise<ModelSource> {
  try {
    return await model();
  } catch (cause) {
    throw new SegmenterError('model-missing', `The function passed as \`model\` failed: ${String(cause)}.`, { cause });
  }
}

const isAddress = (source: ModelSource): source is URL | string => typeof source === 'string' || classNameOf(source) === 'URL';

/** Where the file is, and what is known of it. */
function place(source: URL | string | undefined, { assets, sha256 }: ModelOptions): { url: URL; bytes: number | undefined; sha256: string | undefined } {
  if (source !== undefined) return { url: absolute(source), bytes: undefined, sha256 };
  // Turbopack's addresses are relative to the page's server.
  const url = assets ? new URL(DEFAULT_MODEL.file, folderOf(assets)) : absolute(new URL('../../models/aims-base-q4.safetensors', import.meta.url));
  return { url, bytes: DEFAULT_MODEL.bytes, sha256: DEFAULT_MODEL.sha256 };
}

/** Relative to the page. */
function absolute(address: URL | string): URL {
  try {
    return new URL(address, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch {
    throw new TypeError(`'${String(address)}' is no address of a model or of a copy of this package. Relative addresses need a page that has one.`);
  }
}

/** With or without a slash at its end. */
export const folderOf = (address: URL | string): URL => absolute(String(address).replace(/\/?$/, '/'));

type Data = Exclude<ModelSource, URL | string>;

async function collect(source: Data, onFraction: OnFraction, signal: AbortSignal | undefined): Promise<Blob> {
  if (isFile(source)) return source;
  if (classNameOf(source) === 'ArrayBuffer' || ArrayBuffer.isView(source)) return new Blob([source as Uint8Array<ArrayBuffer>]);
  const response = classNameOf(source) === 'Response' ? (source as Response) : undefined;
  const stream = response ? response.body : source;
  if (classNameOf(stream) !== 'ReadableStream' || (response && !response.ok)) {
    throw new SegmenterError('model-missing', `What was passed as \`model\` is no model file${response ? ` (status ${response.status})` : ''}.`);
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
    // Throws if somebody reads the stream already.
    const counted = (stream as ReadableStream<Uint8Array>).pipeThrough(counter, { ...(signal && { signal }) });
    return await new Response(counted as ReadableStream<Uint8Array<ArrayBuffer>>).blob();
  } catch (cause) {
    if (signal?.aborted) throw abortedError(signal);
    const why = `The stream passed as \`model\` could not be read to its end: ${String(cause)}`;
    throw new SegmenterError('model-missing', `${why}. Pass one that is new and unread.`, { cause });
  }
}
