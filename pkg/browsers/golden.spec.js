import { MIN_SCORES, missing, sure } from '../testing/scenes.js';
import { Segmenter, expect, fetchBlob, fetchJson } from './package.js';

describe('the default model, on the CPU, finds what the native program finds', () => {
  let golden;
  let segmenter;
  let image;

  before(async () => {
    golden = await fetchJson('/tests/golden/demo-cpu.json');
    segmenter = await Segmenter.create({ device: 'cpu', inputSize: 512 });
    image = await segmenter.setImage(await fetchBlob('/www/public/samples/astronaut.jpg'));
  });
  after(() => segmenter?.close());

  const expectLike = (found, expected, minScores) => {
    expect(found).to.include({ width: expected.width, height: expected.height });
    for (const [level, minScore] of Object.entries(minScores)) {
      expect(sure(expected, level, minScore), level).not.to.deep.equal([]);
      expect(missing(expected, found, level, minScore)).to.deep.equal([]);
    }
  };
  const { part, entity, relation, prompted } = MIN_SCORES.fast;

  it('in the whole photo, at three levels', async () => {
    expectLike(await image.segment(), golden.full, { part, entity, relation });
  });

  it('inside an entity, of two entities, and in a box', async () => {
    const [first, second] = golden.entities.masks.map(({ rle }) => rle);
    expectLike(await image.segment({ prompt: { kind: 'entity', mask: first } }), golden.entity, { part: prompted });
    expectLike(await image.segment({ prompt: { kind: 'entities', masks: [first, second] } }), golden.entities, { relation: 0 });
    const [{ box }] = await fetchJson('/www/e2e/cases.json');
    expectLike(await image.segment({ prompt: { kind: 'box', box } }), golden.box, { entity: prompted });
  });
});
