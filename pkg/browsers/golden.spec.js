import { MIN_SCORES, missing, sure } from '../testing/scenes.js';
import { Segmenter, expect, fetchBlob, fetchJson, tellProgress } from './package.js';

describe('the default model on the CPU', () => {
  it('finds the three levels of a photo that the native program finds', async () => {
    const expected = (await fetchJson('/tests/golden/demo-cpu.json')).full;
    const segmenter = await Segmenter.create({ device: 'cpu', inputSize: 512 });
    const image = await segmenter.setImage(await fetchBlob('/www/public/samples/astronaut.jpg'), { onProgress: tellProgress });
    const found = await image.segment({ onProgress: tellProgress });
    segmenter.close();
    expect(found).to.include({ width: expected.width, height: expected.height });
    for (const level of ['part', 'entity', 'relation']) {
      const minScore = MIN_SCORES.fast[level];
      expect(sure(expected, level, minScore), level).not.to.deep.equal([]);
      expect(missing(expected, found, level, minScore)).to.deep.equal([]);
    }
  });
});
