// Builds everything that ships: the browser module, the npm package and the demo.
// To run it alone: node scripts/build.mjs [--profile wasm-dev]
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, npm, once, ROOT } from './lib.mjs';
import { needPackages } from './needs.mjs';
import { buildWasm, WASM_OUTPUTS } from './wasm.mjs';

export const WWW = join(ROOT, 'www');
export const fromWww = createRequire(join(WWW, 'package.json'));

/** Returns the path of Vite's own script. node can run it without a shell. */
export const viteScript = () =>
  join(dirname(fromWww.resolve('vite/package.json')), 'bin', 'vite.js');

export function buildSite(profile = 'wasm-release') {
  buildPackage(profile);
  const inputs = ['package-lock.json', 'www', 'pkg/dist', 'pkg/models', ...WASM_OUTPUTS];
  once('www', { inputs, outputs: ['www/dist/index.html'], what: 'Building the demo' }, () =>
    npm(['run', 'build', '-w', 'www']),
  );
}

/** Builds the npm package alone, including the browser module. */
export function buildPackage(profile) {
  needPackages();
  buildWasm(profile);
  const inputs = [
    'package-lock.json',
    'pkg/package.json',
    'pkg/build.js',
    'pkg/tsconfig.json',
    'pkg/src',
    'models',
    ...WASM_OUTPUTS,
  ];
  once(
    'pkg',
    { inputs, outputs: ['pkg/dist', 'pkg/models'], what: 'Building the npm package' },
    () => npm(['run', 'build', '-w', 'pkg']),
  );
}

if (process.argv[1] === import.meta.filename)
  main(() => buildSite(parseArgs({ options: { profile: { type: 'string' } } }).values.profile));
