// Model files between visits, in the browser's Cache API. It is a convenience: whatever it refuses (private windows, full disks,
// pages by http) is done without. Files are stored under their address, with the digest that they had; whoever reads one checks it.
import { mayBe, sha256 } from './digest.js';

const NAME = 'aims-web-models';
const DIGEST = 'x-sha256';
const VALIDATOR = 'x-validator';
/** Of what a browser grants, as much stays free: a cache must not take a page's last space. */
const SPARE_BYTES = 20e6;

/** The beginning of a file whose download was broken off. */
export interface Part {
  data: Blob;
  /** What the server called this version of the file (ETag or date): the rest must be of the same one. */
  validator: string;
}

/** In a sandbox, even asking for `caches` is an error. */
async function open(): Promise<Cache | undefined> {
  try {
    return await globalThis.caches?.open(NAME);
  } catch {
    return undefined;
  }
}

/** Where the beginning of a file is kept: addresses of this form are not fetched. */
const partOf = (url: URL): URL => {
  const part = new URL(url);
  part.searchParams.set('aims-web-part', '');
  return part;
};

/** The file, and its digest, if it is there and sound; one that is damaged, or not the `expected` one, is thrown out. */
export async function readCache(url: URL, expected: string | undefined): Promise<{ file: Blob; digest: string | undefined } | undefined> {
  try {
    const cache = await open();
    const response = await cache?.match(url);
    if (!cache || !response) return undefined;
    const file = await response.blob();
    const stored = response.headers.get(DIGEST);
    if (stored && mayBe(stored, expected ?? stored)) {
      const digest = await sha256(file);
      if (mayBe(digest, stored)) return { file, digest };
    }
    await cache.delete(url);
  } catch {
    // As if it were not there.
  }
  return undefined;
}

/** `digest` is the file's. */
export async function writeCache(url: URL, file: Blob, digest: string): Promise<void> {
  await put(url, file, { [DIGEST]: digest });
}

/** Takes the beginning out: if it is the cause that what comes of it is damaged, the next time is another start. */
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

export async function writePart(url: URL, { data, validator }: Part): Promise<void> {
  await put(partOf(url), data, { [VALIDATOR]: validator });
}

async function put(url: URL, data: Blob, headers: Record<string, string>): Promise<void> {
  try {
    const { quota, usage } = (await globalThis.navigator?.storage?.estimate()) ?? {};
    if (quota !== undefined && usage !== undefined && usage + data.size + SPARE_BYTES > quota) return;
    const response = new Response(data, { headers: { ...headers, 'content-type': 'application/octet-stream' } });
    await (await open())?.put(url, response);
  } catch {
    // Done without.
  }
}

export async function isInCache(url: URL): Promise<boolean> {
  return (await (await open())?.match(url).catch(() => undefined)) !== undefined;
}

/** Removes all files of this package, of all versions. */
export async function clearCache(): Promise<void> {
  try {
    await globalThis.caches?.delete(NAME);
  } catch {
    // Nothing was kept here.
  }
}
