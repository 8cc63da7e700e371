// npm run clicks: measures what one click and one box find, for each family and input size, and
// writes docs/clicks.md. It takes an hour on two cores. `--only aims-base@768` measures a part and
// prints it.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { main, ROOT, StepError, say } from './lib.mjs';
import { needBaseModel } from './sam2.mjs';

const MODELS = {
  'aims-tiny': 'models/aims-tiny-q8.safetensors',
  'aims-base': 'out/models/aims-base-q8.safetensors',
};
const RUNS = [
  'aims-tiny@512',
  'aims-tiny@1024',
  'aims-base@512',
  'aims-base@640',
  'aims-base@768',
  'aims-base@1024',
];
const SETS = 'coco,ccp,carparts,faces';

/** Measures one run. Returns its table as the command prints it. */
function measure(run) {
  const [family, size] = run.split('@');
  say(`${family} at ${size}`);
  const command = [
    'run',
    '--locked',
    '--release',
    '--quiet',
    '--',
    'clicks',
    '--device',
    'cpu',
    '--sets',
    SETS,
  ];
  const args = [...command, '--model', MODELS[family], '--input-size', size];
  const { status, stdout } = spawnSync('cargo', args, {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0)
    throw new StepError(
      `\`cargo ${args.join(' ')}\` failed. Fix what it reports above and run this again.`,
    );
  return stdout.slice(stdout.indexOf('|')).trim();
}

main(() => {
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
  const runs = only ? only.split(',') : RUNS;
  const unknown = runs.find((run) => !RUNS.includes(run));
  if (unknown)
    throw new StepError(`There is no run "${unknown}". Choose from: ${RUNS.join(', ')}.`);
  needBaseModel();
  const tables = runs.map((run) => [run, measure(run)]);
  if (only) return tables.forEach(([, table]) => console.log(table));
  const sections = tables.map(([run, table]) => `## ${run.replace('@', ' at ')}\n\n${table}\n`);
  writeFileSync(join(ROOT, 'docs', 'clicks.md'), `${INTRODUCTION}\n${sections.join('\n')}`);
});

const INTRODUCTION = `# One click, one box: all tables

Written by \`npm run clicks\`. [quality.md](quality.md#one-click-one-box) says what is measured and has the summary. Each figure is an AR in percent, with
the 95 % bootstrap interval over photos and the number of photos that have such a mask. Small masks cover less than 1 % of the photo, medium ones
up to 10 %, large ones more.
`;
