// This file downloads model files. If the connection breaks, the download goes on where it broke,
// in the same call. If the call fails, the beginning is kept in the cache, and the next call goes
// on from there.
import { abortedError, SegmenterError } from '../common/errors.js';
import { type Part, takePart, writePart } from './cache.js';

export interface DownloadOptions {
  /** The length of the file. If it is undefined, the length that the server gives is used. */
  bytes: number | undefined;
  /** True if the beginning of a broken download may be kept in the cache. */
  keep: boolean;
  onFraction: (fraction: number) => void;
  signal: AbortSignal | undefined;
}

/** The download fails after this many failures in a row without a byte between them. */
const MAX_FAILURES = 4;
const FIRST_PAUSE_MS = 250;
/** A shorter beginning is not kept, because it is downloaded again faster than it is stored. */
const MIN_KEPT_BYTES = 1 << 20;
/** Longer files are refused. No model is that long. */
const MAX_BYTES = 1e9;
/** If the length of the file is unknown, the progress is estimated with this length. */
const ASSUMED_BYTES = 15e6;

/** Downloads a file as a whole. */
export async function download(url: URL, options: DownloadOptions): Promise<Blob> {
  const { signal, keep } = options;
  const kept = keep ? await takePart(url) : undefined;
  const transfer = new Transfer(url, options, kept);
  try {
    for (let failures = 0; ; ) {
      const before = transfer.loaded;
      try {
        // The last attempt does not resume, because resuming itself may be what fails: servers of
        // other origins must allow its headers.
        return await transfer.run(failures < MAX_FAILURES - 1);
      } catch (cause) {
        if (signal?.aborted) throw abortedError(signal);
        if (cause instanceof SegmenterError) throw cause;
        failures = transfer.loaded > before ? 1 : failures + 1;
        if (failures === MAX_FAILURES)
          throw missingModel(url, 'the download failed; check the connection', cause);
        await pause(FIRST_PAUSE_MS * 2 ** (failures - 1), signal);
      }
    }
  } catch (error) {
    const part = keep ? transfer.part() : undefined;
    if (part && part.data.size >= MIN_KEPT_BYTES) await writePart(url, part);
    throw error;
  }
}

/** A transfer holds what has arrived of a file. */
class Transfer {
  readonly #url: URL;
  readonly #options: DownloadOptions;
  #chunks: Blob[] = [];
  #validator: string | undefined;
  #triedBrowserCache = false;
  loaded = 0;

  constructor(url: URL, options: DownloadOptions, kept: Part | undefined) {
    this.#url = url;
    this.#options = options;
    if (!kept) return;
    this.#chunks = [kept.data];
    this.loaded = kept.data.size;
    this.#validator = kept.validator;
  }

  /** Opens one connection and reads it to the end of the file. */
  async run(mayResume: boolean): Promise<Blob> {
    const { signal, onFraction } = this.#options;
    const resumes = mayResume && this.loaded > 0 && this.#validator !== undefined;
    const headers: Record<string, string> = resumes
      ? { Range: `bytes=${this.loaded}-`, 'If-Range': this.#validator! }
      : {};
    // The browser's own cache can make a download fail, for example if it is full or two pages load
    // at once. So it is not used after a failure.
    const cache = this.#triedBrowserCache || resumes ? 'no-store' : 'default';
    this.#triedBrowserCache = true;
    const response = await fetch(this.#url, { headers, cache, signal: signal ?? null });
    const begin = Number(
      /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN,
    );
    if (!(response.status === 206 && begin === this.loaded)) {
      // The server has another version of the file, or it gives only whole files.
      this.#chunks = [];
      this.loaded = 0;
      if (response.status === 206 || response.status === 416)
        throw new Error('the server gave another piece than the one asked for');
      this.#check(response);
    }
    this.#validator = strongValidator(response);
    const rest = Number(response.headers.get('content-length'));
    const total = this.#options.bytes ?? (rest > 0 ? this.loaded + rest : undefined);
    const reader = response.body?.getReader();
    for (;;) {
      const chunk = await reader?.read();
      if (!chunk || chunk.done) break;
      this.#chunks.push(new Blob([chunk.value]));
      this.loaded += chunk.value.length;
      if (this.loaded > (this.#options.bytes ?? MAX_BYTES))
        throw new SegmenterError(
          'model-corrupt',
          `The file at ${this.#url.href} is longer than the model. Check the address.`,
        );
      // If the transfer is compressed, more bytes arrive than its length says, so the fraction is
      // limited to 1.
      onFraction(
        total ? Math.min(1, this.loaded / total) : this.loaded / (this.loaded + ASSUMED_BYTES),
      );
    }
    if (this.loaded === 0) throw missingModel(this.#url, 'the server answered nothing');
    return new Blob(this.#chunks);
  }

  /** Gives the part from which a later download can go on, if there can be one. */
  part(): Part | undefined {
    return this.#validator === undefined
      ? undefined
      : { data: new Blob(this.#chunks), validator: this.#validator };
  }

  #check(response: Response): void {
    if (!response.ok)
      throw missingModel(
        this.#url,
        `the server answered ${response.status} ${response.statusText}`.trimEnd(),
      );
    // Many servers answer requests for unknown addresses with their start page.
    if (response.headers.get('content-type')?.startsWith('text/html'))
      throw missingModel(this.#url, 'the server answered with a web page');
  }
}

/**
 * Gives the server's name for exactly this version of the file. A weak ETag does not name one
 * version. Pieces of a compressed transfer cannot be joined, so it has no name here.
 */
function strongValidator({ headers }: Response): string | undefined {
  if (headers.get('content-encoding')) return undefined;
  const etag = headers.get('etag');
  if (etag) return etag.startsWith('W/') ? undefined : etag;
  return headers.get('last-modified') ?? undefined;
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
  if (signal?.aborted) throw abortedError(signal);
}

/** Makes the error for a model that cannot be downloaded. */
const missingModel = (url: URL, why: string, cause?: unknown): SegmenterError =>
  new SegmenterError(
    'model-missing',
    `The model was not found at ${url.href}: ${why}. Check the address, or pass the right one as \`model\`.`,
    { cause },
  );
