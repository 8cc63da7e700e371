import { BOX, create, expect, failure, photo } from './package.js';

describe('calls', () => {
  let segmenter;

  beforeEach(async () => {
    segmenter = await create();
  });
  afterEach(() => segmenter.close());

  it('reject if they are aborted before, while they wait or while they run, and the next one works', async () => {
    const abortAtFirst = () => {
      const controller = new AbortController();
      return { signal: controller.signal, onProgress: () => controller.abort() };
    };
    const signal = AbortSignal.abort();
    expect(await failure(create({ signal }))).to.equal('aborted');
    expect(await failure(create(abortAtFirst()))).to.equal('aborted');
    expect(await failure(segmenter.setImage(photo, { signal }))).to.equal('aborted');
    expect(await failure(segmenter.setImage(photo, abortAtFirst()))).to.equal('aborted');
    const image = await segmenter.setImage(photo);
    expect(await failure(image.segment(abortAtFirst()))).to.equal('aborted');
    const running = image.segment();
    const controller = new AbortController();
    const waiting = image.segment({ prompt: BOX, signal: controller.signal });
    controller.abort();
    expect(await waiting.catch(({ name }) => name)).to.equal('AbortError');
    await running;
    expect((await image.segment({ prompt: BOX })).masks.length).to.equal(1);
  });

  it('that overlap end in the order in which they were made', async () => {
    const image = await segmenter.setImage(photo);
    const ended = [];
    const note = (name) => (result) => ended.push(name) && result;
    const [whole, box] = await Promise.all([
      image.segment().then(note('whole')),
      image.segment({ prompt: BOX }).then(note('box')),
      image.candidates(BOX).then(note('candidates')),
      segmenter.setImage(photo).then(note('image')),
    ]);
    expect(ended).to.deep.equal(['whole', 'box', 'candidates', 'image']);
    expect(whole.masks.length).to.be.above(1);
    expect(box.masks.length).to.equal(1);
  });

  it('end with an error if the segmenter is closed during or before them', async () => {
    const image = await segmenter.setImage(photo);
    const other = await segmenter.setImage(photo);
    image.close();
    expect(await failure(image.segment())).to.equal('closed');
    const calls = [failure(other.segment()), failure(segmenter.setImage(photo))];
    segmenter.close();
    calls.push(
      failure(other.segment()),
      failure(segmenter.setImage(photo)),
      failure(segmenter.memory()),
    );
    expect(await Promise.all(calls)).to.deep.equal(Array(5).fill('closed'));
  });

  it('give the same masks if segmenters are created and closed again and again', async () => {
    const scenes = [];
    for (let i = 0; i < 20; i++) {
      const other = await create();
      const image = await other.setImage(photo);
      scenes.push(await image.segment({ prompt: BOX }));
      other.close();
    }
    for (const scene of scenes) expect(scene).to.deep.equal(scenes[0]);
  });
});
