// Serves examples with their bundler's own server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { StepError } from '../../scripts/lib.mjs';

/**
 * Starts a server program of the example's packages. `script` is its path in node_modules, and it
 * must accept `--port`.
 */
export async function serveBy(folder, script, ...args) {
  const port = await freePort();
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
  const command = [join('node_modules', script), ...args, '--port', port];
  const program = spawn(process.execPath, command, {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [program.stdout, program.stderr])
    stream.on('data', (text) => (output += text));
  const ended = once(program, 'exit');
  const close = async () => {
    if (program.exitCode === null) program.kill();
    await ended;
  };
  const url = `http://localhost:${port}/`;
  for (
    let tries = 1;
    !(await fetch(url).then(
      () => true,
      () => false,
    ));
    tries++
  ) {
    if (program.exitCode !== null || tries > 3000) {
      await close();
      throw new StepError(`${script} did not start to serve:\n${output}`);
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
