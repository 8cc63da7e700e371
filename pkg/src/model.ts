// Gets the model file. It becomes a Blob: the worker receives it without a copy, and again after a restart.
import { SegmenterError, abortedError } from './errors.js';
import type { ModelSource } from './types.js';

// Used for the progress alone, where the server does not say how long the file is.
const ASSUMED_BYTES = 15e6;

export async function loadModel(
  source: ModelSource | undefined,
  onFraction: (fraction: number) => void,
  signal: AbortSignal | undefined,
): Promise<Blob> {
  if (source instanceof Blob) return source;
  if (source instanceof ArrayBuffer) return new Blob([source]);
  if (source instanceof Uint8Array) return new Blob([source as Uint8Array<ArrayBuffer>]);
  const url = source ? new URL(source, globalThis.location?.href) : new URL('../models/aims-tiny-q8.safetensors', import.meta.url);
  try {
    // The browser's own cache can fail a download (it is full, or two pages load at once): then without it.
    return await download(url, 'default', onFraction, signal).catch((error: unknown) => {
      if (error instanceof SegmenterError || signal?.aborted) throw error;
      return download(url, 'no-store', onFraction, signal);
    });
  } catch (cause) {
    if (cause instanceof SegmenterError) throw cause;
    if (signal?.aborted) throw abortedError(signal);
    throw missing(url, 'the download failed; check the connection', cause);
  }
}

async function download(url: URL, cache: RequestCache, onFraction: (fraction: number) => void, signal: AbortSignal | undefined): Promise<Blob> {
  const response = await fetch(url, { cache, signal: signal ?? null });
  if (!response.ok) throw missing(url, `the server answered ${response.status} ${response.statusText}`.trimEnd());
  // Many servers answer unknown paths with their start page.
  if (response.headers.get('content-type')?.startsWith('text/html')) {
    throw missing(url, 'the server answered with a web page');
  }
  const length = Number(response.headers.get('content-length'));
  const reader = response.body?.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  for (;;) {
    const chunk = await reader?.read();
    if (!chunk || chunk.done) break;
    const { value } = chunk;
    chunks.push(value);
    loaded += value.length;
    // Compressed transfer makes `loaded` exceed the length, hence the limit.
    onFraction(length > 0 ? Math.min(1, loaded / length) : loaded / (loaded + ASSUMED_BYTES));
  }
  if (loaded === 0) throw missing(url, 'the server answered nothing');
  return new Blob(chunks);
}

const missing = (url: URL, why: string, cause?: unknown): SegmenterError =>
  new SegmenterError('model-missing', `The model was not found at ${url.href}: ${why}. Check the address, or pass the right one as \`model\`.`, { cause });
