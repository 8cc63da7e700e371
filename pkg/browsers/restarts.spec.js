// Tests a crash of the worker and the loss of its graphics device in the middle of each kind of
// call.
import { create, expect, POINT, photo, Segmenter, skip } from './package.js';
import { crash, crashing, destroyDevice, destroying } from './workers.js';

const ENDS = {
  cpu: { what: 'a crash of the worker', worker: crashing, end: crash, code: 'internal' },
  webgpu: { what: 'device.destroy()', worker: destroying, end: destroyDevice, code: 'device-lost' },
};
const CALLS = { 'the three levels': {}, 'a point': { prompt: POINT } };

for (const [device, { what, worker, end, code }] of Object.entries(ENDS)) {
  describe(`after ${what} on ${device}`, () => {
    let segmenter;
    let heard;

    before(async function () {
      const { webgpu, reason } = await Segmenter.isSupported();
      if (device === 'webgpu' && webgpu === 'none') skip(this, reason);
    });
    afterEach(() => segmenter?.close());

    const begin = async (inputSize) => {
      segmenter = await create({ device, worker, inputSize });
      heard = [];
      segmenter.addEventListener('devicelost', ({ detail }) => heard.push(detail.code));
      segmenter.addEventListener('restored', ({ detail }) => heard.push(detail.device));
    };
    /**
     * Ends the worker or its device as soon as the call has begun. Waits until both are over, and
     * gives the result or the error of the call.
     */
    const endDuring = async (call) => {
      let tellBegun;
      const begun = new Promise((resolve) => (tellBegun = resolve));
      const outcome = call(tellBegun).catch((error) => error);
      await begun;
      await end();
      return outcome;
    };

    for (const [name, options] of Object.entries(CALLS)) {
      it(`during ${name} there is a typed error and then the same masks`, async () => {
        await begin(128);
        const image = await segmenter.setImage(photo);
        const before = await image.segment(options);
        expect(before.masks).not.to.deep.equal([]);
        let outcome = await endDuring((tellBegun) => {
          // A point is a single step, which reports no progress.
          if (options.prompt) tellBegun();
          return image.segment({ ...options, onProgress: tellBegun });
        });
        // If the call ended before the worker did, the next call meets the loss.
        if (!(outcome instanceof Error)) {
          expect(outcome).to.deep.equal(before);
          outcome = await image.segment(options).catch((error) => error);
        }
        if (outcome instanceof Error) expect(outcome.code).to.equal(code);
        else expect(outcome).to.deep.equal(before);
        expect(await image.segment(options)).to.deep.equal(before);
        expect(heard).to.deep.equal([code, device]);
      });
    }

    it('during setImage there is a typed error, and then it works', async () => {
      await begin(256); // so that it takes several steps
      const { code: found } = await endDuring((tellBegun) =>
        segmenter.setImage(photo, { onProgress: tellBegun }),
      );
      expect(found).to.equal(code);
      const { width, height } = await segmenter.setImage(photo);
      expect([width, height]).to.deep.equal([451, 300]);
      expect(heard).to.deep.equal([code, device]);
    });
  });
}
