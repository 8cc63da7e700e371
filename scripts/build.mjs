// Builds everything that ships: browser module, npm package, demo. Alone: node scripts/build.mjs [--profile wasm-dev]
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, npm, once, ROOT } from './lib.mjs';
import { needPackages } from './needs.mjs';
import { buildWasm, WASM_OUTPUTS } from './wasm.mjs';

export const WWW = join(ROOT, 'www');
export const fromWww = createRequire(join(WWW, 'package.json'));

/** Vite's own script: run by node, it needs no shell between. */
export const viteScript = () =>
  join(dirname(fromWww.resolve('vite/package.json')), 'bin', 'vite.js');

export function buildSite(profile = 'wasm-release') {
  buildPackage(profile);
  const inputs = ['package-lock.json', 'www', 'pkg/dist', 'pkg/models', ...WASM_OUTPUTS];
  once('www', { inputs, outputs: ['www/dist/index.html'], what: 'Building the demo' }, () =>
    npm(['run', 'build', '-w', 'www']),
  );
}

/** The npm package alone, with the module in it. */
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
