// Serves examples: built ones as plain files under a strict policy, others by their bundler's own server.
import { spawn } from 'node:child_process';
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { extname, join } from 'node:path';
import { StepError } from '../../scripts/lib.mjs';

/** All that the package needs of a policy; there are no headers for SharedArrayBuffer. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** A folder's files. */
export async function serveFiles(folder) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    const path = join(folder, decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname));
    const isFile = path.startsWith(folder) && statSync(path, { throwIfNoEntry: false })?.isFile();
    if (!isFile) return response.writeHead(404).end();
    response.writeHead(200, { 'content-security-policy': POLICY, 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
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

/** A server program among the example's packages, as `script` in node_modules; it must take `--port`. */
export async function serveBy(folder, script, ...args) {
  const port = await freePort();
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
  const command = [join('node_modules', script), ...args, '--port', port];
  const program = spawn(process.execPath, command, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [program.stdout, program.stderr]) stream.on('data', (text) => (output += text));
  const ended = once(program, 'exit');
  const close = async () => {
    if (program.exitCode === null) program.kill();
    await ended;
  };
  const url = `http://localhost:${port}/`;
  for (let tries = 1; !(await fetch(url).then(() => true, () => false)); tries++) {
    if (program.exitCode !== null || tries > 3000) {
      await close();
      throw new StepError(`${script} does not serve:\n${output}`);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  return { url, close };
}

async function freePort() {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return String(port);
}
