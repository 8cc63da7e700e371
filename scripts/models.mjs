// npm run models: the model files, from MobileSAM's and SAM 2's weights and what training/export.py keeps of training runs. In `models` are those
// that ship, in `out/models` the others. For some families: npm run models -- aims-tiny
import { join } from 'node:path';
import { needCheckpoint } from './checkpoint.mjs';
import { convert } from './convert.mjs';
import { StepError, main } from './lib.mjs';
import { PHOTOS, needSam2 } from './sam2.mjs';

const FAMILIES = {
  'aims-tiny': { needWeights: needCheckpoint, folder: 'models' },
  'aims-base': { needWeights: needSam2, folder: join('out', 'models'), photos: PHOTOS },
};

main(() => {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((family) => !(family in FAMILIES));
  if (unknown.length > 0) throw new StepError(`There is no family ${unknown.join(', ')}; there are ${Object.keys(FAMILIES).join(' and ')}.`);
  for (const family of asked.length > 0 ? asked : Object.keys(FAMILIES)) {
    const { needWeights, folder, photos } = FAMILIES[family];
    const weights = needWeights();
    for (const bits of ['8', '4']) convert({ family, weights, bits, photos, out: join(folder, `${family}-q${bits}.safetensors`) });
  }
});
