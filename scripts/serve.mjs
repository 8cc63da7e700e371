// Serves a folder's files to a browser under a strict content security policy.

import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';

/**
 * The content security policy has only what the package needs. There are no headers for
 * SharedArrayBuffer.
 */
export const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/**
 * Serves a folder. `answer` is called before a file is looked for, with the request, the response
 * and the address. It returns true if it has answered the request.
 */
export async function serveFiles(
  folder,
  { policy = POLICY, headers = {}, answer = () => false } = {},
) {
  const server = createServer((request, response) => {
    const url = new URL(request.url, 'http://localhost');
    if (answer(request, response, url)) return;
    const { pathname } = url;
    const path = join(
      folder,
      decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname),
    );
    const isFile = path.startsWith(folder) && statSync(path, { throwIfNoEntry: false })?.isFile();
    if (!isFile) return response.writeHead(404).end();
    const type = TYPES[extname(path)] ?? 'application/octet-stream';
    response.writeHead(200, {
      'content-security-policy': policy,
      'content-type': type,
      ...headers,
    });
    createReadStream(path).pipe(response);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://localhost:${server.address().port}/`, close };
}
