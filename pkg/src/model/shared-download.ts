// Segmenters that want the same file at the same time share one download. It is shared until the
// file is in the cache, where later ones find it.
import { unlessAborted } from '../common/abort.js';
import { writeCache } from './cache.js';
import { sha256 } from './digest.js';
import { type DownloadOptions, download } from './download.js';

/** This is a downloaded file, with its digest if the browser can compute it. */
interface Downloaded {
  file: Blob;
  digest: string | undefined;
}

/** This is a download that can be shared, while it runs and until the file is in the cache. */
interface Shared {
  /** These callers wait for the download, each with its own report of progress. */
  waiting: Set<{ onFraction: DownloadOptions['onFraction'] }>;
  fraction: number;
  result: Promise<Downloaded>;
  isDone: boolean;
  /** The file is written to the cache once a caller has found it to be the right one. */
  writing: Promise<void> | undefined;
  /** It is aborted when nobody waits for the download any more. */
  controller: AbortController;
}

const running = new Map<string, Shared>();

/**
 * Downloads a file, or joins a download of it that is under way. `check` must throw if the file is
 * not the one that the caller wants. The file is kept only if the check of some caller succeeds.
 */
export async function downloadShared<Checked>(
  url: URL,
  options: DownloadOptions,
  check: (downloaded: Downloaded) => Checked,
): Promise<Checked> {
  const { bytes, keep, onFraction, signal } = options;
  const key = JSON.stringify([url.href, bytes ?? null, keep]);
  const waiter = { onFraction };
  for (;;) {
    const shared = running.get(key) ?? begin(key, url, options);
    shared.waiting.add(waiter);
    onFraction(shared.fraction);
    try {
      const downloaded = await unlessAborted(shared.result, signal).catch((error: unknown) => {
        // The download had been aborted before this caller joined it. What had arrived is kept, and
        // a new download goes on from there.
        if (shared.controller.signal.aborted && !signal?.aborted) return undefined;
        throw error;
      });
      if (!downloaded) continue;
      const checked = check(downloaded);
      const { file, digest } = downloaded;
      if (keep && digest !== undefined) shared.writing ??= writeCache(url, file, digest);
      return checked;
    } finally {
      shared.waiting.delete(waiter);
      if (shared.waiting.size === 0) leave(key, shared);
    }
  }
}

function begin(key: string, url: URL, { bytes, keep }: DownloadOptions): Shared {
  const controller = new AbortController();
  const waiting: Shared['waiting'] = new Set();
  const onFraction = (fraction: number) => {
    shared.fraction = fraction;
    for (const waiter of waiting) waiter.onFraction(fraction);
  };
  const load = async (): Promise<Downloaded> => {
    const file = await download(url, { bytes, keep, onFraction, signal: controller.signal });
    const digest = await sha256(file);
    shared.isDone = true;
    return { file, digest };
  };
  const shared: Shared = {
    waiting,
    fraction: 0,
    controller,
    isDone: false,
    writing: undefined,
    result: load(),
  };
  running.set(key, shared);
  // This is the first to wait for the result, so a caller that tries again does not find a download
  // that has failed.
  shared.result.then(
    // Nobody waits if all callers have aborted while the digest was computed, which cannot be
    // stopped.
    () => waiting.size === 0 && forget(key, shared),
    () => forget(key, shared),
  );
  return shared;
}

/**
 * Ends a download for which nobody waits any more. If it is done, it can be shared until the file
 * is in the cache. The segmenter already starts meanwhile.
 */
function leave(key: string, shared: Shared): void {
  if (!shared.isDone) shared.controller.abort();
  else void Promise.resolve(shared.writing).then(() => forget(key, shared));
}

function forget(key: string, shared: Shared): void {
  if (running.get(key) === shared) running.delete(key);
}

/** This counts the downloads that are kept. Only tests call it. */
export const kept = (): number => running.size;
