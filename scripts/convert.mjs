// Makes model files from weights, with the command `convert`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { once, run } from './lib.mjs';

const WEIGHTS = join('training', 'weights');
/** The kinds of files with weights that go into a model beside those of its encoder and decoder. */
const TRAINED = ['efficient-net', 'trained', 'semantic', 'scene'];

/**
 * Writes one model file. It includes the weights that were trained for the family (unless `plain`)
 * and the calibration, if the folder `trained` has such files. With `photos`, a folder, the weights
 * of linear layers are rounded to suit these photos.
 */
export function convert({ family, weights, bits, out, photos, trained = WEIGHTS, plain = false }) {
  const own = (option, ...kinds) => {
    const files = kinds
      .map((kind) => join(trained, `${family}-${kind}.safetensors`))
      .filter(existsSync);
    return files.length > 0 ? [option, ...files] : [];
  };
  run('cargo', [
    ...['run', '--locked', '--release', '--quiet', '--', 'convert', weights],
    ...['--family', join('models', `${family}.json`), '--bits', bits],
    ...(plain ? [] : own('--trained', ...TRAINED)),
    ...own('--calibration', 'calibration'),
    ...(photos ? ['--photos', photos] : []),
    ...['--out', out],
  ]);
}

/** Does the same, but only if something has changed that the file depends on. */
export function needConverted(options) {
  const { family, bits, out, photos } = options;
  const inputs = [
    'cli/src/convert',
    'src/model/manifest',
    'src/model/weights.rs',
    `models/${family}.json`,
    ...(photos ? [photos] : []),
  ];
  inputs.push(
    ...[...TRAINED, 'calibration'].map((kind) => `${WEIGHTS}/${family}-${kind}.safetensors`),
  );
  const what = `Converting the weights of ${family} to a file of ${bits} bits, for tests in a browser`;
  once(`${family} ${bits} bits`, { inputs, outputs: [out], extra: [options], what }, () =>
    convert(options),
  );
  return out;
}
