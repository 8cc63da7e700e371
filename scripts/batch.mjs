// Tests examples/batch with two local Ray Data workers, in a Python environment outside the
// checkout.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, TARGET } from './lib.mjs';
import { lacksPython, pythonWith } from './linters.mjs';

const PYTEST = 'pytest==9.2.0';
const REQUIREMENTS = 'examples/batch/requirements.txt';

/**
 * Runs the tests. Returns the reason if the example cannot be tested here, and undefined otherwise.
 */
export function batch() {
  if (process.platform === 'win32') return 'the example needs Linux or macOS';
  const unable = lacksPython();
  if (unable) return unable;
  const ray = readFileSync(join(ROOT, REQUIREMENTS), 'utf8').trim().split('\n');
  const advice =
    'Check that PyPI is reachable and that it has Ray for this version of Python, then run this again.';
  const python = join(pythonWith('batch', [...ray, PYTEST], advice), 'python');
  run('cargo', ['build', '--release', '--locked', '--quiet', '--bin', 'aims-web']);
  run(python, ['-m', 'pytest', '-q', 'examples/batch'], {
    env: { AIMS_WEB: join(TARGET, 'release', 'aims-web') },
  });
}
