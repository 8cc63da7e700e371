import { iou, MIN_SCORES, missing, sure } from '../testing/scenes.js';
import { expect, fetchBlob, fetchJson, POINT, photo, Segmenter, tellProgress } from './package.js';

describe('the default model on the CPU', () => {
  let segmenter;

  before(async () => {
    segmenter = await Segmenter.create({ device: 'cpu', inputSize: 512 });
  });
  after(() => segmenter?.close());

  it('finds the three levels of a photo that the native program finds', async () => {
    const expected = (await fetchJson('/tests/golden/demo-cpu.json')).full;
    const image = await segmenter.setImage(await fetchBlob('/www/public/samples/astronaut.jpg'), {
      onProgress: tellProgress,
    });
    const found = await image.segment({ onProgress: tellProgress });
    expect(found).to.include({ width: expected.width, height: expected.height });
    for (const level of ['part', 'entity', 'relation']) {
      const minScore = MIN_SCORES.learned[level];
      // The default model finds no relation in this photo.
      const isFound = sure(expected, level, minScore).length > 0;
      expect(isFound, level).to.equal(level !== 'relation');
      expect(missing(expected, found, level, minScore)).to.deep.equal([]);
    }
  });

  const find = async (image, prompt) => (await image.segment({ prompt })).masks[0];

  it('finds a similar mask for a click if its logits are given back', async () => {
    const image = await segmenter.setImage(photo, { onProgress: tellProgress });
    const { points } = POINT;
    const first = await image.candidates({ points });
    const chosen = first.find((candidate) => candidate.chosen);
    const { logits } = chosen;
    // 451 x 300 pixels are scaled to an input of 512 x 384.
    expect([logits.columns, logits.rows, logits.values.length]).to.deep.equal([128, 96, 128 * 96]);
    expect((await find(image, POINT)).rle).to.deep.equal(chosen.rle);
    const again = await image.candidates({ points, previous: logits });
    const kept = again.find((candidate) => candidate.chosen);
    expect([first.length, again.length]).to.deep.equal([3, 4]);
    expect((await find(image, { ...POINT, previous: logits })).rle).to.deep.equal(kept.rle);
    expect(iou(chosen, kept)).to.be.above(0.5);
  });

  it('finds nearly the same mask for strokes as for points, and for a lasso as for a box', async () => {
    const segmenter = await Segmenter.create({ device: 'cpu', inputSize: 256 });
    const image = await segmenter.setImage(photo);
    const inside = [170, 190, 210, 230].map((x) => ({ x, y: 140, label: 1 }));
    const pointed = await find(image, {
      kind: 'points',
      points: [...inside, { x: 20, y: 20, label: 0 }],
    });
    const brushed = await find(image, {
      kind: 'strokes',
      strokes: [
        {
          points: [
            [160, 140],
            [240, 140],
          ],
          label: 1,
        },
        { points: [[20, 20]], label: 0 },
      ],
    });
    expect(iou(pointed, brushed)).to.be.above(0.95);
    const boxed = await find(image, { kind: 'points', points: [], box: [60, 2, 360, 294] });
    const roped = await find(image, {
      kind: 'lasso',
      points: [
        [60, 2],
        [420, 2],
        [420, 296],
        [60, 296],
      ],
    });
    expect(iou(boxed, roped)).to.be.above(0.95);
    segmenter.close();
  });
});
