import { iou } from '../testing/scenes.js';
import { create, decodeRle, encodeRle, expect, failure, POINT, photo, rleArea } from './package.js';

describe('prompts', () => {
  let segmenter;
  let image;

  before(async () => {
    segmenter = await create({ inputSize: 256 });
    image = await segmenter.setImage(photo);
  });
  after(() => segmenter?.close());

  const find = async (prompt) => (await image.segment({ prompt })).masks;

  it('a point gives the entity under it, and progress rises to 1', async () => {
    const fractions = [];
    const { width, height, masks } = await image.segment({
      prompt: POINT,
      onProgress: ({ fraction }) => fractions.push(fraction),
    });
    expect([width, height, masks.length, masks[0].level]).to.deep.equal([451, 300, 1, 'entity']);
    expect(decodeRle(masks[0].rle)[150 * 451 + 225]).to.equal(1);
    expect(fractions).to.deep.equal([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).to.equal(1);
  });

  it('a box, a polygon and a mask of the same region give the same masks, inside the region', async () => {
    const [x, y, width, height] = [100, 20, 280, 260];
    const corners = [
      [x, y],
      [x + width, y],
      [x + width, y + height],
      [x, y + height],
    ];
    const pixels = Uint8Array.from({ length: 451 * 300 }, (_, i) =>
      i % 451 >= x && i % 451 < x + width && i >= 451 * y && i < 451 * (y + height) ? 1 : 0,
    );
    const prompts = [
      { kind: 'box', box: [x, y, width, height] },
      { kind: 'polygon', points: corners },
      { kind: 'mask', mask: encodeRle(pixels, 451, 300) },
    ];
    // The region is encoded again for each prompt.
    const segmenter = await create({ inputSize: 128 });
    const image = await segmenter.setImage(photo);
    const found = [];
    for (const prompt of prompts) found.push((await image.segment({ prompt })).masks);
    segmenter.close();
    expect(found[0]).not.to.deep.equal([]);
    for (const { rle } of found.flat())
      expect(decodeRle(rle).some((inside, i) => inside && !pixels[i])).to.equal(false);
    expect(found[1]).to.deep.equal(found[0]);
    expect(found[2]).to.deep.equal(found[0]);
  });

  it('strokes and a lasso mean what points and a box mean', async () => {
    const inside = [170, 190, 210, 230].map((x) => ({ x, y: 140, label: 1 }));
    const [pointed] = await find({
      kind: 'points',
      points: [...inside, { x: 20, y: 20, label: 0 }],
    });
    const [brushed] = await find({
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
    expect(iou(pointed, brushed)).to.be.above(0.8);
    const [boxed] = await find({ kind: 'points', points: [], box: [60, 2, 360, 294] });
    const [roped] = await find({
      kind: 'lasso',
      points: [
        [60, 2],
        [420, 2],
        [420, 296],
        [60, 296],
      ],
    });
    expect(iou(boxed, roped)).to.be.above(0.8);
    const isOutside = (at) => at % 451 < 60 || at % 451 > 420;
    expect(decodeRle(roped.rle).some((inside, at) => inside && isOutside(at))).to.equal(false);
  });

  it('strokes and a lasso that mean nothing are errors with a code', async () => {
    const wrong = {
      'invalid-prompt': [
        { kind: 'strokes', strokes: [] },
        { kind: 'strokes', strokes: [{ points: [[9, 9]], label: 0 }] },
        {
          kind: 'lasso',
          points: [
            [1, 1],
            [2, 2],
          ],
        },
      ],
      'empty-prompt': [
        {
          kind: 'lasso',
          points: [
            [-9, -9],
            [-5, -9],
            [-5, -5],
          ],
        },
      ],
    };
    for (const [code, prompts] of Object.entries(wrong)) {
      for (const prompt of prompts)
        expect(await failure(image.segment({ prompt })), JSON.stringify(prompt)).to.equal(code);
    }
  });

  it('a click has three candidates, and the logits of one can be given back', async () => {
    const { points } = POINT;
    const first = await image.candidates({ points });
    expect(first.map(({ area }) => area)).to.deep.equal(
      first.map(({ area }) => area).sort((a, b) => a - b),
    );
    expect(first.length).to.equal(3);
    const { rle, area, logits } = first.find(({ chosen }) => chosen);
    expect(rleArea(rle)).to.equal(area);
    const [segmented] = await find(POINT);
    expect(segmented.rle).to.deep.equal(rle);
    expect([logits.columns, logits.rows, logits.values.length]).to.deep.equal([64, 64, 64 * 64]);
    const again = await image.candidates({ points, previous: logits });
    expect(again.length).to.equal(4);
    const [corrected] = await find({ ...POINT, previous: logits });
    expect(corrected.rle).to.deep.equal(again.find(({ chosen }) => chosen).rle);
    expect(await failure(image.candidates({}))).to.equal('empty-prompt');
    for (const wrong of [
      { columns: 32 },
      { values: [...logits.values] },
      { values: logits.values.map(() => NaN) },
    ]) {
      const previous = { ...logits, ...wrong };
      expect(await failure(image.candidates({ points, previous }))).to.equal('invalid-prompt');
      expect(await failure(image.segment({ prompt: { ...POINT, previous } }))).to.equal(
        'invalid-prompt',
      );
    }
  });
});
