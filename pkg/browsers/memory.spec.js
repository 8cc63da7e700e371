// Checks that many photos, one after the other, take no more memory than a few.
// `docs/reliability.md` has the figures.
import { expect, note, photo, Segmenter, skip, TINY, tellProgress } from './package.js';

const asked = Number(new URLSearchParams(location.search).get('images'));
const images = asked || 40;
/** The small model is used on WebGPU, because its shaders take a software adapter less time. */
const MODELS = { cpu: undefined, webgpu: TINY };

describe('memory', () => {
  for (const device of ['cpu', 'webgpu']) {
    it(`of ${images} images is no more than that of five, on ${device}`, async function () {
      const { webgpu, reason } = await Segmenter.isSupported();
      if (device === 'webgpu' && webgpu === 'none') skip(this, reason);
      const segmenter = await Segmenter.create({ device, model: MODELS[device], inputSize: 64 });
      const bitmap = await createImageBitmap(photo);
      const use = async (i) => {
        // The photos have many shapes, and the largest comes first. Memory that is kept from one
        // photo must serve the others.
        const canvas = new OffscreenCanvas(
          bitmap.width - 7 * (i % 10),
          bitmap.height + 20 * (2 - (i % 3)),
        );
        canvas.getContext('2d').drawImage(bitmap, 0, 0);
        const image = await segmenter.setImage(canvas);
        await image.segment({ prompt: { kind: 'points', points: [{ x: 100, y: 100, label: 1 }] } });
        image.close();
        if (i % 10 === 9) await tellProgress({ stage: 'images', fraction: i / images });
      };
      await use(0);
      const first = await segmenter.memory();
      for (let i = 0; i < 5; i++) await use(i);
      const early = await segmenter.memory();
      for (let i = 5; i < images; i++) await use(i);
      const late = await segmenter.memory();
      segmenter.close();
      await note(`after 5: ${JSON.stringify(early)}, after ${images}: ${JSON.stringify(late)}`);
      expect(late.wasm).to.be.at.most(1.02 * early.wasm);
      expect(late.gpuReserved).to.be.at.most(1.02 * early.gpuReserved);
      expect(late.gpu > 0).to.equal(device === 'webgpu');
      // The memory of an image is freed when it is closed.
      expect(late.gpu).to.be.at.most(first.gpu);
    });
  }
});
