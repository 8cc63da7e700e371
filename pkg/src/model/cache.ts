// Model files are kept between visits in the browser's Cache API. The cache is only a convenience:
// if it fails (in private windows, on full disks, on pages loaded by http), the package works
// without it. A file is stored under its address together with its digest, and is checked when it
// is read.
import { mayMatch, sha256 } from './digest.js';

const NAME = 'aims-web-models';
const DIGEST = 'x-sha256';
const VALIDATOR = 'x-validator';
/**
 * This much of the browser's quota stays free, so that the cache does not take a page's last space.
 */
const SPARE_BYTES = 20e6;

/** A part is the beginning of a file whose download was broken off. */
export interface Part {
  data: Blob;
  /**
   * The server's name for the version of the file (ETag or date). The rest must be of the same
   * version.
   */
  validator: string;
}

/** Opens the cache. In a sandbox even reading `caches` throws. */
async function open(): Promise<Cache | undefined> {
  try {
    return await globalThis.caches?.open(NAME);
  } catch {
    return undefined;
  }
}

/** Makes the address under which a part is kept. Nothing is ever fetched from it. */
const partOf = (url: URL): URL => {
  const part = new URL(url);
  part.searchParams.set('aims-web-part', '');
  return part;
};

/**
 * Gives the file and its digest if it is kept and undamaged. A file that is damaged, or does not
 * have the digest `expected`, is deleted.
 */
export async function readCache(
  url: URL,
  expected: string | undefined,
): Promise<{ file: Blob; digest: string | undefined } | undefined> {
  try {
    const cache = await open();
    const response = await cache?.match(url);
    if (!cache || !response) return undefined;
    const file = await response.blob();
    const stored = response.headers.get(DIGEST);
    if (stored && mayMatch(stored, expected ?? stored)) {
      const digest = await sha256(file);
      if (mayMatch(digest, stored)) return { file, digest };
    }
    await cache.delete(url);
  } catch {
    // If the cache fails, it counts as empty.
  }
  return undefined;
}

/** Keeps a file that has this digest. */
export async function writeCache(url: URL, file: Blob, digest: string): Promise<void> {
  await put(url, file, { [DIGEST]: digest });
}

/**
 * Gives the part of a file and deletes it from the cache. If the part is damaged and spoils the
 * download, the next download starts from the beginning.
 */
export async function takePart(url: URL): Promise<Part | undefined> {
  try {
    const cache = await open();
    const response = await cache?.match(partOf(url));
    const validator = response?.headers.get(VALIDATOR);
    if (!cache || !response || !validator) return undefined;
    const data = await response.blob();
    await cache.delete(partOf(url));
    return { data, validator };
  } catch {
    return undefined;
  }
}

/** Keeps the part of a file. */
export async function writePart(url: URL, { data, validator }: Part): Promise<void> {
  await put(partOf(url), data, { [VALIDATOR]: validator });
}

async function put(url: URL, data: Blob, headers: Record<string, string>): Promise<void> {
  try {
    const { quota, usage } = (await globalThis.navigator?.storage?.estimate()) ?? {};
    if (quota !== undefined && usage !== undefined && usage + data.size + SPARE_BYTES > quota)
      return;
    const response = new Response(data, {
      headers: { ...headers, 'content-type': 'application/octet-stream' },
    });
    await (await open())?.put(url, response);
  } catch {
    // If the cache fails, nothing is kept.
  }
}

/** Says whether the file is kept, without checking it. */
export async function isInCache(url: URL): Promise<boolean> {
  return (await (await open())?.match(url).catch(() => undefined)) !== undefined;
}

/** Deletes the files of all versions of this package. */
export async function clearCache(): Promise<void> {
  try {
    await globalThis.caches?.delete(NAME);
  } catch {
    // Nothing was kept here.
  }
}
