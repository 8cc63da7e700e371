// npm run models: makes the model files from the weights of MobileSAM and SAM 2 and from what
// training/export.py has saved of training runs. The files that ship go to `models`, the others to
// `out/models`.
// To make only some: npm run models -- aims-tiny
import { join } from 'node:path';
import { needCheckpoint } from './checkpoint.mjs';
import { convert } from './convert.mjs';
import { main, StepError } from './lib.mjs';
import { needSam2, PHOTOS } from './sam2.mjs';

const OTHERS = join('out', 'models');
const MODELS = {
  'aims-base': {
    family: 'aims-base',
    needWeights: needSam2,
    photos: PHOTOS,
    folders: { 4: 'models', 8: OTHERS },
  },
  'aims-tiny': {
    family: 'aims-tiny',
    needWeights: needCheckpoint,
    folders: { 8: 'models', 4: 'models' },
  },
  // Trained on photos and labels whose licences allow general use.
  'aims-base-clean': {
    family: 'aims-base',
    needWeights: needSam2,
    trained: join('training', 'weights', 'clean'),
    photos: PHOTOS,
    folders: { 4: OTHERS },
  },
};

main(() => {
  const asked = process.argv.slice(2);
  const unknown = asked.filter((name) => !(name in MODELS));
  if (unknown.length > 0)
    throw new StepError(
      `There is no model ${unknown.join(', ')}. Choose from: ${Object.keys(MODELS).join(', ')}.`,
    );
  for (const name of asked.length > 0 ? asked : Object.keys(MODELS)) {
    const { family, needWeights, trained, folders, photos } = MODELS[name];
    const weights = needWeights();
    for (const [bits, folder] of Object.entries(folders))
      convert({
        family,
        weights,
        bits,
        trained,
        photos,
        out: join(folder, `${name}-q${bits}.safetensors`),
      });
  }
});
