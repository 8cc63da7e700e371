import { BOX, Segmenter, TINY, countRequests, create, cutOut, expect, failure, maskToImageBitmap, photo, refuse, sceneToCoco } from './package.js';

describe('the model', () => {
  const start = async (options) => (await create(options)).close();
  const options = { model: TINY };

  beforeEach(() => Segmenter.clearCache());
  afterEach(() => refuse(null));

  /** It is written down while the segmenter starts. */
  const kept = async () => {
    for (let tries = 0; tries < 600 && !(await Segmenter.isCached(options)); tries++) await new Promise((done) => setTimeout(done, 100));
    return Segmenter.isCached(options);
  };

  it('is kept: the second time nothing is downloaded', async () => {
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

  it('is fetched anew where what was kept is damaged', async () => {
    await start();
    expect(await kept()).to.equal(true);
    const cache = await caches.open('aims-web-models');
    const [key] = await cache.keys();
    const { headers } = await cache.match(key);
    await cache.put(key, new Response('damaged', { headers }));
    const before = await countRequests('.safetensors');
    await start();
    expect(await countRequests('.safetensors')).to.equal(before + 1);
  });

  it('is downloaded once for segmenters that are created at once', async () => {
    const before = await countRequests('.safetensors');
    await Promise.all([start(), start(), start()]);
    expect(await countRequests('.safetensors')).to.equal(before + 1);
  });

  it('is refused if it is damaged, and not kept if it has another SHA-256', async () => {
    const damaged = '/test/damaged.safetensors';
    expect(await failure(start({ model: damaged }))).to.equal('model-corrupt');
    const wrong = { model: damaged, sha256: '0'.repeat(64) };
    expect(await failure(start({ ...wrong, model: TINY }))).to.equal('model-corrupt');
    expect(await Segmenter.isCached({ ...wrong, model: TINY })).to.equal(false);
  });

  it('goes on where its download broke', async () => {
    const before = await countRequests('broken.safetensors');
    await start({ model: '/test/broken.safetensors' });
    expect(await countRequests('broken.safetensors')).to.equal(before + 2);
  });

  it('and everything after create need no server', async () => {
    const segmenter = await create();
    await refuse('');
    const image = await segmenter.setImage(photo);
    const scene = await image.segment();
    expect(scene.masks.length).to.be.above(1);
    await image.candidates(BOX);
    await maskToImageBitmap(scene.masks[0]);
    cutOut(await createImageBitmap(photo), scene.masks[0], { feather: 3 });
    sceneToCoco(scene);
    segmenter.close();
  });
});
