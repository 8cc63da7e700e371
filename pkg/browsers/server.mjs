// Serves the test page: the checkout's files, and what is made for the tests under /test/.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as aims from 'aims-web';
import { ROOT } from '../../scripts/lib.mjs';
import { POLICY, serveFiles } from '../../scripts/serve.mjs';
import {
  ANIMATED_GIF,
  at144Dpi,
  EXIF_TURNED,
  FILES,
  P3_PROFILE,
  TURNED,
} from '../testing/files.js';
import { resultsOf } from './results.js';

/** Allows what the package needs, and the images and videos that the tests make. */
const PAGE_POLICY = `${POLICY}; img-src 'self' blob:; media-src 'self' blob:`;
const EMBEDDER_POLICY = { 'cross-origin-embedder-policy': 'require-corp' };
/** A page in a frame is served with these headers, by the word after `?` in its address. */
const FRAME_HEADERS = {
  trusted: {
    'content-security-policy': `${POLICY}; require-trusted-types-for 'script'; trusted-types aims-web`,
  },
  untrusted: {
    'content-security-policy': `${POLICY}; require-trusted-types-for 'script'; trusted-types other`,
  },
  // In WebKit, a page in a sandbox has no 'self'.
  sandboxed: { 'content-security-policy': POLICY.replaceAll("'self'", 'http://localhost:*') },
  embedded: { 'content-security-policy': POLICY, ...EMBEDDER_POLICY },
};

const read = (...path) => readFileSync(join(ROOT, ...path));
const model = () => read('pkg', 'models', 'aims-tiny-q4.safetensors');
const golden = () => JSON.parse(read('tests', 'golden', 'demo-grid.json').toString());

/** Makes a model file whose weights do not match its checksum. */
function damagedModel() {
  const bytes = model();
  bytes[bytes.length - 1000] ^= 1;
  return bytes;
}

/** What pages read as JSON. Files are in base64. */
const MADE = {
  specs: () => readdirSync(import.meta.dirname).filter((name) => name.endsWith('.spec.js')),
  files: () => ({
    known: FILES,
    turned: { jpeg: EXIF_TURNED, ...TURNED },
    animated: ANIMATED_GIF,
    profile: P3_PROFILE,
    dense: at144Dpi(200, 150),
  }),
  // What Node makes of a scene. Browsers must make the same.
  results: () => resultsOf(aims, golden().full),
};

/** Starts the server. `onReport` gets the reports of the page on its tests. */
export async function serveTests(onReport) {
  const requests = [];
  /** Addresses that end like this are refused. null refuses none. */
  let refused = null;
  let isBroken = false;
  /**
   * Whether scripts are sent with the header that a page with an embedder policy requires of its
   * worker.
   */
  let isEmbedded = false;

  /** Gives half of the file at first. Then it gives the rest to a request that asks for it. */
  const serveBroken = (request, response) => {
    const bytes = model();
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range)?.[1] ?? 0);
    const part = from > 0 && {
      'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}`,
    };
    response.writeHead(part ? 206 : 200, {
      etag: '"1"',
      'content-length': bytes.length - from,
      ...part,
    });
    if (isBroken) return response.end(bytes.subarray(from));
    isBroken = true;
    // The delay lets the first half arrive before the connection breaks.
    response.write(bytes.subarray(0, bytes.length / 2), () =>
      setTimeout(() => response.socket?.destroy(), 500),
    );
  };

  const answerTest = (request, response, name) => {
    if (name === 'report') {
      readJson(request).then(onReport, () => {}); // the browser has ended
      return response.end();
    }
    if (name === 'refuse') {
      return readJson(request).then((ending) => {
        refused = ending;
        response.end();
      });
    }
    if (name === 'embed') {
      return readJson(request).then((value) => {
        isEmbedded = value;
        response.end();
      });
    }
    if (name === 'never.jpg') return undefined; // this request is never answered
    if (name === 'empty.safetensors') return response.writeHead(204).end();
    if (name === 'damaged.safetensors') return response.end(damagedModel());
    if (name === 'broken.safetensors') return serveBroken(request, response);
    if (name === 'requests') return response.end(JSON.stringify(requests));
    if (name in MADE) return response.end(JSON.stringify(MADE[name]()));
    response.writeHead(404).end();
  };

  const answer = (request, response, { pathname, search }) => {
    const [, folder, name] = pathname.split('/');
    if (folder === 'test' && !name.endsWith('.safetensors')) {
      answerTest(request, response, name);
      return true;
    }
    requests.push(pathname);
    if (refused !== null && pathname.endsWith(refused)) {
      response.writeHead(503).end();
      return true;
    }
    if (folder === 'test') {
      answerTest(request, response, name);
      return true;
    }
    // Chromium and Firefox require this header of the worker's own script. WebKit also requires it
    // of the scripts that the worker imports.
    if (isEmbedded && pathname.startsWith('/pkg/') && pathname.endsWith('.js')) {
      const headers = {
        'content-security-policy': PAGE_POLICY,
        'content-type': 'text/javascript',
        'cache-control': 'no-store',
        ...EMBEDDER_POLICY,
      };
      response.writeHead(200, headers).end(read(pathname));
      return true;
    }
    const headers = FRAME_HEADERS[search.slice(1)];
    if (headers === undefined) return false;
    response.writeHead(200, { 'content-type': 'text/html', ...headers }).end(read(pathname));
    return true;
  };

  // Nothing may come from the browser's own cache, because the tests are about the package's cache.
  // A page in a sandbox has another origin.
  const headers = { 'cache-control': 'no-store', 'access-control-allow-origin': '*' };
  return serveFiles(ROOT, { policy: PAGE_POLICY, headers, answer });
}

async function readJson(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return JSON.parse(text);
}
