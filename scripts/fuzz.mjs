// npm run fuzz: runs the targets in fuzz/ a limited number of times, always with the same inputs.
// `--only photo,rle` chooses targets, `--times 100` runs 100 times as many inputs, and `--seed 2`
// tries other inputs.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, ROOT, run, StepError, say, TARGET } from './lib.mjs';

/** The number of runs of each target. Each target takes about a quarter of a minute on one core. */
const RUNS = { photo: 60_000, model: 120_000, rle: 2_000_000, request: 600 };
const IMAGE = /\.(jpg|png)$/;

/**
 * Copies small photos as the first inputs. The other targets need none, because their inputs say
 * what is wrong with a file and are not the file itself.
 */
function seed(folder) {
  const data = join(ROOT, 'tests', 'data');
  run('tar', ['-xf', join(data, 'jpegs.tar'), '-C', folder]);
  for (const name of readdirSync(data))
    if (IMAGE.test(name) && name !== 'photo.png')
      copyFileSync(join(data, name), join(folder, name));
}

export function fuzz({ only = Object.keys(RUNS), times = 1, seed: number = 1 } = {}) {
  const unknown = only.find((name) => !Object.hasOwn(RUNS, name));
  if (unknown !== undefined)
    throw new StepError(
      `There is no target "${unknown}". Choose from: ${Object.keys(RUNS).join(', ')}.`,
    );
  const env = { RUSTC_WORKSPACE_WRAPPER: join(ROOT, 'fuzz', 'instrument.sh') };
  // All packages are built, so that dependencies have the same features as in the tests. With other
  // features most dependencies would be compiled again.
  const packages = ['aims-web', 'aims-web-cli', 'aims-web-fuzz'].flatMap((name) => [
    '--package',
    name,
  ]);
  run(
    'cargo',
    [
      'build',
      '--locked',
      '--release',
      ...packages,
      ...Object.keys(RUNS).flatMap((name) => ['--bin', name]),
    ],
    { env },
  );
  const folder = mkdtempSync(join(tmpdir(), 'aims-fuzz-'));
  mkdirSync(join(ROOT, 'out'), { recursive: true });
  try {
    for (const name of only) {
      const corpus = join(folder, name);
      mkdirSync(corpus);
      if (name === 'photo') seed(corpus);
      say(`Fuzzing: ${name}`);
      const limits = ['-timeout=60', '-rss_limit_mb=2048', '-max_len=4096', '-len_control=10'];
      const args = [
        `-runs=${RUNS[name] * times}`,
        `-seed=${number}`,
        ...limits,
        '-verbosity=0',
        '-print_funcs=0',
        '-print_final_stats=1',
        '-artifact_prefix=out/',
      ];
      const program = join(TARGET, 'release', name);
      run(program, [...args, corpus], {
        advice: `The input is in out/. Give it to ${program} as its only argument to repeat the failure.`,
      });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === import.meta.filename)
  main(() => {
    const options = {
      only: { type: 'string' },
      times: { type: 'string' },
      seed: { type: 'string' },
    };
    const { only, times, seed } = parseArgs({ options }).values;
    fuzz({ only: only?.split(','), times: times && Number(times), seed: seed && Number(seed) });
  });
