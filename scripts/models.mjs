// npm run models: the model files, from MobileSAM's and SAM 2's weights and what training/export.py keeps of training runs. Those of
// aims-base are not in the repository until they are what ships. For some families: npm run models -- aims-tiny
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { needCheckpoint } from './checkpoint.mjs';
import { StepError, main, run } from './lib.mjs';
import { needSam2 } from './sam2.mjs';

const FAMILIES = { 'aims-tiny': needCheckpoint, 'aims-base': needSam2 };
const WEIGHTS = join('training', 'weights');

/** Both precisions of a family. */
export function makeModels(family) {
  const weights = FAMILIES[family]();
  const own = (kind) => {
    const file = join(WEIGHTS, `${family}-${kind}.safetensors`);
    return existsSync(file) ? [`--${kind}`, file] : [];
  };
  for (const bits of ['8', '4']) {
    run('cargo', [
      ...['run', '--locked', '--release', '--quiet', '--', 'convert', weights],
      ...['--family', join('models', `${family}.json`), '--bits', bits],
      ...own('trained'),
      ...own('calibration'),
      ...['--out', join('models', `${family}-q${bits}.safetensors`)],
    ]);
  }
}

if (process.argv[1] === import.meta.filename)
  main(() => {
    const asked = process.argv.slice(2);
    const unknown = asked.filter((family) => !(family in FAMILIES));
    if (unknown.length > 0) throw new StepError(`There is no family ${unknown.join(', ')}; there are ${Object.keys(FAMILIES).join(' and ')}.`);
    for (const family of asked.length > 0 ? asked : Object.keys(FAMILIES)) makeModels(family);
  });
