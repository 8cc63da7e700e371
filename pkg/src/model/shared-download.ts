// One download for all who want the same file at the same time, until it is in the cache, where those who come later find it.
import { unlessAborted } from '../common/abort.js';
import { writeCache } from './cache.js';
import { sha256 } from './digest.js';
import { type DownloadOptions, download } from './download.js';

export interface Downloaded {
  file: Blob;
  digest: string | undefined;
}

interface Shared {
  /** Of those who wait, each with its progress. */
  waiting: Set<{ onFraction: DownloadOptions['onFraction'] }>;
  fraction: number;
  result: Promise<Downloaded>;
  isDone: boolean;
  /** Under way or done, once somebody has found the file to be right. */
  writing: Promise<void> | undefined;
  /** Aborted when nobody waits any more. */
  controller: AbortController;
}

const running = new Map<string, Shared>();

/** `check` throws if the file is not the one that was meant; it is kept only if somebody finds it right. */
export async function downloadShared<Checked>(url: URL, options: DownloadOptions, check: (downloaded: Downloaded) => Checked): Promise<Checked> {
  const { bytes, keep, onFraction, signal } = options;
  const key = JSON.stringify([url.href, bytes ?? null, keep]);
  const waiter = { onFraction };
  for (;;) {
    const shared = running.get(key) ?? begin(key, url, options);
    shared.waiting.add(waiter);
    onFraction(shared.fraction);
    try {
      const downloaded = await unlessAborted(shared.result, signal).catch((error: unknown) => {
        // It was aborted before this one came. It has kept what it had got, and another download goes on from there.
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
  const shared: Shared = { waiting, fraction: 0, controller, isDone: false, writing: undefined, result: load() };
  running.set(key, shared);
  // This comes before all others that wait for the result, so that whoever tries again does not find a download that failed.
  shared.result.then(
    // An abort that came too late to stop it: its digest was being computed.
    () => waiting.size === 0 && forget(key, shared),
    () => forget(key, shared),
  );
  return shared;
}

/** Nobody waits any more. The segmenter starts while its model is written down; who comes meanwhile shares what is here. */
function leave(key: string, shared: Shared): void {
  if (!shared.isDone) shared.controller.abort();
  else void Promise.resolve(shared.writing).then(() => forget(key, shared));
}

function forget(key: string, shared: Shared): void {
  if (running.get(key) === shared) running.delete(key);
}

/** How many downloads are kept. Tests read it. */
export const kept = (): number => running.size;
