// npm start: builds what is missing or out of date, then serves the demo.
import { spawn } from 'node:child_process';
import { buildSite, viteScript, WWW } from './build.mjs';
import { main, say } from './lib.mjs';

main(() => {
  buildSite();
  say('Serving the demo; press Ctrl+C to stop');
  const server = spawn(process.execPath, [viteScript(), 'preview', ...process.argv.slice(2)], {
    cwd: WWW,
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => server.kill(signal));
  // If only npm is ended, the shell between npm and this script ends too, but this script is not
  // told. The server must not stay running then.
  const parent = process.ppid;
  const watch =
    process.env.npm_lifecycle_event &&
    setInterval(() => process.ppid !== parent && server.kill(), 500);
  server.on('exit', (code) => {
    clearInterval(watch);
    process.exitCode = code ?? 0;
  });
});
