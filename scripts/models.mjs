// npm run models: the model files, from MobileSAM's and SAM 2's weights and what training/export.py keeps of training runs. In `models` are those
// that ship, in `out/models` the others. For some families: npm run models -- aims-tiny
import { join } from 'node:path';
import { needCheckpoint } from './checkpoint.mjs';
import { convert } from './convert.mjs';
import { StepError, main } from './lib.mjs';
import { PHOTOS, needSam2 } from './sam2.mjs';

const OTHERS = join('out', 'models');
const FAMILIES = {
  'aims-base': { needWeights: needSam2, photos: PHOTOS, folders: { 4: 'models', 8: OTHERS } },
  'aims-tiny': { needWeights: needCheckpoint, folders: { 8: 'models', 4: 'models' } },
};

main(() => {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((family) => !(family in FAMILIES));
  if (unknown.length > 0) throw new StepError(`There is no family ${unknown.join(', ')}; there are ${Object.keys(FAMILIES).join(' and ')}.`);
  for (const family of asked.length > 0 ? asked : Object.keys(FAMILIES)) {
    const { needWeights, folders, photos } = FAMILIES[family];
    const weights = needWeights();
    for (const [bits, folder] of Object.entries(folders)) convert({ family, weights, bits, photos, out: join(folder, `${family}-q${bits}.safetensors`) });
  }
});
