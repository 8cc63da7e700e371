// Python environments outside the checkout, and the check of all Python here.
import { join } from 'node:path';
import { TOOLS, hashOf, once, output, run, which } from './lib.mjs';

const RUFF = 'ruff==0.17.6';

/** Why there can be no environment here; undefined if there can. */
export function lacksPython() {
  if (!which('python3')) return 'there is no python3';
  if (output('python3', ['-c', 'import ensurepip, venv']) === undefined) return 'python3 has no module venv (on Debian: install python3-venv)';
}

/** Folder with the programs of an environment that has these packages, as pip names them; installed once. */
export function pythonWith(name, packages, advice) {
  const python = which('python3');
  const version = output(python, ['--version']);
  const folder = join(TOOLS, `${name}-${hashOf([], ...packages, version).slice(0, 8)}`);
  const programs = join(folder, 'bin');
  const what = `Installing ${packages.join(' and ')} for Python`;
  once(`python ${name}`, { inputs: [], outputs: [join(programs, 'python')], extra: [...packages, version], what }, () => {
    run(python, ['-m', 'venv', folder], { advice });
    run(join(programs, 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], { advice });
  });
  return programs;
}

/** Lints and format of all Python here; or why they cannot be checked. */
export function checkPython() {
  if (process.platform === 'win32') return 'the scripts know the environments of Linux and macOS alone';
  const unable = lacksPython();
  if (unable) return unable;
  const ruff = join(pythonWith('ruff', [RUFF], 'Check that PyPI is reachable, then run this again.'), 'ruff');
  run(ruff, ['check', '--quiet', '.']);
  run(ruff, ['format', '--check', '--quiet', '.'], { advice: `Run \`${ruff} format\` and run this again.` });
}
