// A stand-in for a server of model files and one for the cache, as far as the package uses them.
import { createHash } from 'node:crypto';

export const BYTES = new Uint8Array(3 << 20).map((_, i) => (i * 7919) >> 3);
export const SHA256 = createHash('sha256').update(BYTES).digest('hex');
export const URL_ = 'https://example.org/model.safetensors';

/** A stand-in for the Cache API. */
export class Caches {
  stores = new Map();

  async open(name) {
    if (!this.stores.has(name)) this.stores.set(name, new Map());
    const store = this.stores.get(name);
    return {
      match: async (url) => store.get(String(url))?.clone(),
      put: async (url, response) => void store.set(String(url), response),
      delete: async (url) => store.delete(String(url)),
    };
  }

  async delete(name) {
    return this.stores.delete(name);
  }

  get entries() {
    return this.stores.get('aims-web-models') ?? new Map();
  }
}

/**
 * Serves BYTES, with ranges. Each connection breaks after the number of bytes that is next in
 * `breaks`.
 */
export class Server {
  requests = [];
  breaks = [];
  etag = '"1"';
  bytes = BYTES;
  ranges = true;

  fetch = async (url, { headers = {}, signal } = {}) => {
    this.requests.push({ url: String(url), ...headers });
    signal?.throwIfAborted();
    const from =
      this.ranges && headers.Range && headers['If-Range'] === this.etag
        ? Number(/bytes=(\d+)-/.exec(headers.Range)[1])
        : 0;
    const rest = this.bytes.slice(from);
    const limit = this.breaks.shift() ?? Infinity;
    if (limit === 0) throw new TypeError('failed to fetch');
    let at = 0;
    const body = new ReadableStream({
      pull(controller) {
        if (signal?.aborted) return controller.error(signal.reason);
        if (at >= limit) return controller.error(new TypeError('network error'));
        if (at >= rest.length) return controller.close();
        const end = Math.min(at + 300_000, limit, rest.length);
        controller.enqueue(rest.slice(at, end));
        at = end;
      },
    });
    const range =
      from > 0
        ? { 'content-range': `bytes ${from}-${this.bytes.length - 1}/${this.bytes.length}` }
        : {};
    return new Response(body, {
      status: from > 0 ? 206 : 200,
      headers: { etag: this.etag, 'content-length': rest.length, ...range },
    });
  };
}

/** Puts a new server and an empty cache in place of the browser's. */
export function freshServer() {
  const server = new Server();
  globalThis.fetch = server.fetch;
  globalThis.caches = new Caches();
  return server;
}

export const hash = async (blob) =>
  createHash('sha256')
    .update(new Uint8Array(await blob.arrayBuffer()))
    .digest('hex');
/** Waits until the cache has been written, which happens after the load. */
export const settled = () => new Promise((done) => setTimeout(done, 50));
