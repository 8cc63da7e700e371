// Serves examples by their bundler's own server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { StepError } from '../../scripts/lib.mjs';

/** A server program among the example's packages, as `script` in node_modules; it must take `--port`. */
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
