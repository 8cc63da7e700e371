import {
  BOX,
  countRequests,
  create,
  cutOut,
  expect,
  failure,
  maskToImageBitmap,
  maskToPath2D,
  maskToSvgPath,
  POINT,
  photo,
  refuse,
  Segmenter,
  sceneToCoco,
  sceneToDot,
  sceneToGeoJson,
  TINY,
} from './package.js';

describe('the model', () => {
  const start = async (options) => (await create(options)).close();
  const options = { model: TINY };

  beforeEach(() => Segmenter.clearCache());
  afterEach(() => refuse(null));

  /** Waits until the model is in the cache. It is written there while the segmenter starts. */
  const kept = async () => {
    for (let tries = 0; tries < 600 && !(await Segmenter.isCached(options)); tries++)
      await new Promise((done) => setTimeout(done, 100));
    return Segmenter.isCached(options);
  };

  it('is kept, so that nothing is downloaded the second time', async () => {
    expect(await Segmenter.isCached(options)).to.equal(false);
    const before = await countRequests('.safetensors');
    await start();
    expect(await kept()).to.equal(true);
    await refuse('.safetensors');
    await start();
    expect(await countRequests('.safetensors')).to.equal(before + 1);
    await Segmenter.clearCache();
    expect(await Segmenter.isCached(options)).to.equal(false);
    expect(await failure(start())).to.equal('model-missing');
  });

  it('is downloaded again if the file that was kept is damaged', async () => {
    await start();
    expect(await kept()).to.equal(true);
    const cache = await caches.open('aims-web-models');
    const [key] = await cache.keys();
    const { headers } = await cache.match(key);
    await cache.put(key, new Response('damaged', { headers }));
    const before = await countRequests('.safetensors');
    await start();
    expect(await countRequests('.safetensors')).to.equal(before + 1);
    // The new file replaces the damaged one.
    expect(await kept()).to.equal(true);
    const isWhole = async () => (await (await cache.match(key))?.blob())?.size > 1e6;
    for (let tries = 0; tries < 600 && !(await isWhole()); tries++)
      await new Promise((done) => setTimeout(done, 100));
    await start();
    expect(await countRequests('.safetensors')).to.equal(before + 1);
  });

  it('is downloaded once for segmenters that are created at once, and each gets the progress', async () => {
    const before = await countRequests('.safetensors');
    const seen = [[], [], []];
    await Promise.all(
      seen.map((fractions) => start({ onProgress: ({ fraction }) => fractions.push(fraction) })),
    );
    expect(await countRequests('.safetensors')).to.equal(before + 1);
    for (const fractions of seen) {
      expect(fractions.filter((fraction) => fraction > 0 && fraction < 0.8).length).to.be.above(1);
      expect(fractions.at(-1)).to.equal(1);
    }
  });

  it('is refused if it is damaged, and not kept if it has another SHA-256', async () => {
    const damaged = '/test/damaged.safetensors';
    expect(await failure(start({ model: damaged }))).to.equal('model-corrupt');
    const wrong = { model: damaged, sha256: '0'.repeat(64) };
    expect(await failure(start({ ...wrong, model: TINY }))).to.equal('model-corrupt');
    expect(await Segmenter.isCached({ ...wrong, model: TINY })).to.equal(false);
  });

  it('is downloaded from where the download broke', async () => {
    const before = await countRequests('broken.safetensors');
    await start({ model: '/test/broken.safetensors' });
    expect(await countRequests('broken.safetensors')).to.equal(before + 2);
  });

  it('needs no server after create, and neither does any call', async () => {
    const segmenter = await create({ inputSize: 256 });
    await refuse('');
    const image = await segmenter.setImage(photo);
    const scene = await image.segment();
    expect(scene.masks.length).to.be.above(1);
    const [{ rle }, other] = scene.masks.filter(({ level }) => level === 'entity');
    const prompts = [
      { kind: 'full' },
      { kind: 'box', box: [50, 50, 200, 200] },
      {
        kind: 'polygon',
        points: [
          [50, 50],
          [250, 50],
          [150, 250],
        ],
      },
      { kind: 'mask', mask: rle },
      { kind: 'entity', mask: rle },
      { kind: 'entities', masks: [rle, other?.rle ?? rle] },
      { kind: 'relation', mask: rle },
      POINT,
      {
        kind: 'strokes',
        strokes: [
          {
            points: [
              [180, 150],
              [240, 150],
            ],
            label: 1,
          },
          { points: [[5, 5]], label: 0 },
        ],
      },
      {
        kind: 'lasso',
        points: [
          [100, 20],
          [380, 20],
          [380, 280],
          [100, 280],
        ],
      },
    ];
    for (const prompt of prompts) {
      const { width, masks } = await image.segment({ prompt });
      expect([width, Array.isArray(masks)], prompt.kind).to.deep.equal([451, true]);
    }
    await image.candidates(BOX);
    const [mask] = scene.masks;
    await maskToImageBitmap(mask);
    cutOut(await createImageBitmap(photo), mask, { feather: 3 });
    maskToPath2D(mask);
    maskToSvgPath(mask, { tolerance: 1 });
    for (const convert of [sceneToGeoJson, sceneToCoco, sceneToDot]) convert(scene);
    image.close();
    segmenter.close();
  });
});
