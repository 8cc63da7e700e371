// npm run bench:edges: measures refined edges against exact alpha, and compares them with pymatting
// and IS-Net. docs/edges.md has its tables. Further arguments go to scripts/edges/bench.py.
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { main, npm, output, run, StepError, say, TARGET } from './lib.mjs';
import { lacksPython, pythonWith } from './linters.mjs';

const PACKAGES = [
  'numpy==2.4.6',
  'onnxruntime==1.32.0',
  'pillow==13.0.0',
  'pymatting==1.1.16',
  'pytest==9.2.0',
  'scipy==1.17.1',
  'skia-python==144.1',
];
// Blender as a module, 350 MB. Each of its versions is for one version of Python.
const BLENDER = ['bpy==4.5.4'];
const BLENDERS_PYTHON = 'Python 3.11';
const FOLDER = join(homedir(), '.cache', 'aims-web', 'edges');
// It has the model that `@imgly/background-removal` runs. Its licence is the AGPL, so it is only
// measured, outside the checkout.
const ISNET = '@imgly/background-removal-data';

main(() => {
  const reason = lacksPython();
  if (reason) throw new StepError(`${reason}. Install it and run this again.`);
  const advice = 'Check that PyPI is reachable, then run this again.';
  const python = join(pythonWith('edges', PACKAGES, advice), 'python');
  run(python, ['-m', 'pytest', '-q', 'scripts/edges']);

  mkdirSync(FOLDER, { recursive: true });
  const sets = process.argv.filter((_, i, all) => all[i - 1] === '--set');
  if (sets.length === 0 || sets.includes('rendered')) {
    if (output('python3', ['--version']).startsWith(`${BLENDERS_PYTHON}.`)) {
      const blender = join(pythonWith('blender', BLENDER, advice), 'python');
      say('Rendering subjects that are not there yet (ten minutes)');
      run(blender, ['scripts/edges/render.py', join(FOLDER, 'rendered')]);
    } else say(`Subjects are rendered only with ${BLENDERS_PYTHON}`);
  }
  if (!existsSync(join(FOLDER, 'node_modules', ISNET))) {
    say(`Fetching ${ISNET}`);
    npm(['install', '--prefix', FOLDER, '--no-save', '--ignore-scripts', `${ISNET}@1.4.5`], {
      advice: 'Check that the npm registry is reachable, then run this again.',
    });
  }
  say('Building the program');
  run('cargo', ['build', '--locked', '--release', '-p', 'aims-web-cli']);
  const program = join(TARGET, 'release', 'aims-web');
  const own = ['--cache', FOLDER, '--program', program, ...process.argv.slice(2)];
  run(python, ['scripts/edges/bench.py', ...own]);
});
