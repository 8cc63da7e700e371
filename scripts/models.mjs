// npm run models: the model files that ship, from MobileSAM's checkpoint and what training/export.py keeps of a training run.
import { join } from 'node:path';
import { needCheckpoint } from './checkpoint.mjs';
import { main, run } from './lib.mjs';

const WEIGHTS = join('training', 'weights');

main(() => {
  const checkpoint = needCheckpoint();
  for (const bits of ['8', '4']) {
    run('cargo', [
      ...['run', '--locked', '--release', '--quiet', '--', 'convert', checkpoint, '--bits', bits],
      ...['--trained', join(WEIGHTS, 'aims-tiny-trained.safetensors')],
      ...['--calibration', join(WEIGHTS, 'aims-tiny-calibration.safetensors')],
      ...['--out', join('models', `aims-tiny-q${bits}.safetensors`)],
    ]);
  }
});
