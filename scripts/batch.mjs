// Tests examples/batch: two local workers of Ray Data, in a Python environment outside the checkout.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, TARGET, TOOLS, hashOf, once, output, run, which } from './lib.mjs';

const PYTEST = 'pytest==9.2.0';
const REQUIREMENTS = 'examples/batch/requirements.txt';

/** Python of an environment that has what the example needs. */
function needRay(python) {
  const version = output(python, ['--version']);
  const folder = join(TOOLS, `batch-${hashOf([REQUIREMENTS], PYTEST, version).slice(0, 8)}`);
  const inside = join(folder, 'bin', 'python');
  const what = `Installing ${readFileSync(join(ROOT, REQUIREMENTS), 'utf8').trim()} for the batch example`;
  once('batch', { inputs: [REQUIREMENTS], outputs: [inside], extra: [PYTEST, version], what }, () => {
    const advice = 'Check that PyPI is reachable and that it has Ray for this version of Python, then run this again.';
    run(python, ['-m', 'venv', folder], { advice });
    run(inside, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS, PYTEST], { advice });
  });
  return inside;
}

/** Why the example cannot be tested here; undefined if it was. */
export function batch() {
  if (process.platform === 'win32') return 'the example needs Linux or macOS';
  const python = which('python3');
  if (!python) return 'there is no python3';
  if (output(python, ['-c', 'import ensurepip, venv']) === undefined) return 'python3 has no module venv (on Debian: install python3-venv)';
  const inside = needRay(python);
  run('cargo', ['build', '--release', '--locked', '--quiet', '--bin', 'aims-web']);
  run(inside, ['-m', 'pytest', '-q', 'examples/batch'], { env: { AIMS_WEB: join(TARGET, 'release', 'aims-web') } });
}
