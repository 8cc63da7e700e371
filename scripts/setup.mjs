// npm run setup: installs everything that building and testing need, so that `npm test` and
// `npm start` need no network afterwards. What is already there stays as it is.
import { needCheckpoint } from './checkpoint.mjs';
import { main, run, say } from './lib.mjs';
import { needLinters } from './linters.mjs';
import { needBrowser, needFirefox, needPackages, needVulkan, needWebKitDriver } from './needs.mjs';
import { needSam2 } from './sam2.mjs';
import { needRust, needWasmBindgen, wasmToolchain } from './toolchain.mjs';

export function setup() {
  needRust();
  needPackages();
  needVulkan();
  needBrowser();
  needFirefox();
  needWebKitDriver();
  const reason = needLinters();
  if (reason) say(`Some checks will be skipped, because ${reason}`);
  needCheckpoint();
  needSam2();
  wasmToolchain();
  needWasmBindgen();
  run('cargo', ['fetch', '--locked']);
}

if (process.argv[1] === import.meta.filename)
  main(() => {
    setup();
    say(
      'Everything is installed. `npm run check` takes a few minutes; `npm test` runs every check.',
    );
  });
