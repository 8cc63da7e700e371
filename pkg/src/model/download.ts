// Fetches a model file. A connection that breaks is taken up where it broke, within a call and, where the Cache API keeps the
// beginning, by the next one.
import { SegmenterError, abortedError } from '../common/errors.js';
import { type Part, takePart, writePart } from './cache.js';

export interface DownloadOptions {
  /** The file's length where it is known; else the server's word for it. */
  bytes: number | undefined;
  /** Whether the beginning of a broken download may be kept. */
  keep: boolean;
  onFraction: (fraction: number) => void;
  signal: AbortSignal | undefined;
}

/** Failures in a row, without a byte between them, that end it. */
const MAX_FAILURES = 4;
const FIRST_PAUSE_MS = 250;
/** Less is fetched again sooner than it is written down. */
const MIN_KEPT_BYTES = 1 << 20;
/** No model is that long. */
const MAX_BYTES = 1e9;
/** For the progress alone, where nobody says how long the file is. */
const ASSUMED_BYTES = 15e6;

export async function download(url: URL, options: DownloadOptions): Promise<Blob> {
  const { signal, keep } = options;
  const kept = keep ? await takePart(url) : undefined;
  const transfer = new Transfer(url, options, kept);
  try {
    for (let failures = 0; ; ) {
      const before = transfer.loaded;
      try {
        // Perhaps it is the resuming that fails (servers of other origins must allow its headers): the last time without.
        return await transfer.run(failures < MAX_FAILURES - 1);
      } catch (cause) {
        if (signal?.aborted) throw abortedError(signal);
        if (cause instanceof SegmenterError) throw cause;
        failures = transfer.loaded > before ? 1 : failures + 1;
        if (failures === MAX_FAILURES) throw missing(url, 'the download failed; check the connection', cause);
        await pause(FIRST_PAUSE_MS * 2 ** (failures - 1), signal);
      }
    }
  } catch (error) {
    const part = keep ? transfer.part() : undefined;
    if (part && part.data.size >= MIN_KEPT_BYTES) await writePart(url, part);
    throw error;
  }
}

/** What has arrived of a file. */
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

  /** One connection, to the file's end. */
  async run(mayResume: boolean): Promise<Blob> {
    const { signal, onFraction } = this.#options;
    const resumes = mayResume && this.loaded > 0 && this.#validator !== undefined;
    const headers: Record<string, string> = resumes ? { Range: `bytes=${this.loaded}-`, 'If-Range': this.#validator! } : {};
    // The browser's own cache can fail a download (it is full, or two pages load at once): after a failure without it.
    const cache = this.#triedBrowserCache || resumes ? 'no-store' : 'default';
    this.#triedBrowserCache = true;
    const response = await fetch(this.#url, { headers, cache, signal: signal ?? null });
    const begin = Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? Number.NaN);
    if (!(response.status === 206 && begin === this.loaded)) {
      // Another version of the file, or a server that gives whole files only.
      this.#chunks = [];
      this.loaded = 0;
      if (response.status === 206 || response.status === 416) throw new Error('the server gave another piece than the one asked for');
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
      if (this.loaded > (this.#options.bytes ?? MAX_BYTES)) throw new SegmenterError('model-corrupt', `The file at ${this.#url.href} is longer than the model. Check the address.`);
      // Compressed transfer makes what arrives exceed the length, hence the limit.
      onFraction(total ? Math.min(1, this.loaded / total) : this.loaded / (this.loaded + ASSUMED_BYTES));
    }
    if (this.loaded === 0) throw missing(this.#url, 'the server answered nothing');
    return new Blob(this.#chunks);
  }

  /** What can be taken up later. */
  part(): Part | undefined {
    return this.#validator === undefined ? undefined : { data: new Blob(this.#chunks), validator: this.#validator };
  }

  #check(response: Response): void {
    if (!response.ok) throw missing(this.#url, `the server answered ${response.status} ${response.statusText}`.trimEnd());
    // Many servers answer unknown paths with their start page.
    if (response.headers.get('content-type')?.startsWith('text/html')) throw missing(this.#url, 'the server answered with a web page');
  }
}

/** What names this version of the file byte by byte; weak ETags do not, and of compressed transfers pieces do not fit. */
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

export const missing = (url: URL, why: string, cause?: unknown): SegmenterError =>
  new SegmenterError('model-missing', `The model was not found at ${url.href}: ${why}. Check the address, or pass the right one as \`model\`.`, { cause });
