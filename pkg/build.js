// npm run build: compiles the package, and puts in the model files that ship with it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The default, and the small download. `models/README.md` of the repository has the others. */
const MODELS = ['aims-base-q4.safetensors', 'aims-tiny-q4.safetensors', 'README.md'];

const here = (...path) => fileURLToPath(new URL(join(...path), import.meta.url));
const tsc = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
);

for (const folder of ['dist', 'models']) rmSync(here(folder), { recursive: true, force: true });
execFileSync(process.execPath, [tsc], { cwd: here('.'), stdio: 'inherit' });
mkdirSync(here('models'));
for (const name of MODELS) copyFileSync(here('..', 'models', name), here('models', name));
