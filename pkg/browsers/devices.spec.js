import { iou } from '../testing/scenes.js';
import { BOX, create, expect, failure, photo, Segmenter, skip } from './package.js';
import { withoutGpu } from './workers.js';

describe('devices', () => {
  it('isSupported says that there is a device, and which one', async () => {
    const { supported, webgpu, reason } = await Segmenter.isSupported();
    expect(supported).to.equal(true);
    expect(['hardware', 'software', 'none']).to.include(webgpu);
    expect(reason).to.match(/^Segmentation runs on .*\.$/);
  });

  it('without WebGPU, asking for it is an error, and auto uses the CPU and says why', async () => {
    expect(await failure(create({ device: 'webgpu', worker: withoutGpu }))).to.equal('no-webgpu');
    const segmenter = await create({ device: 'auto', worker: withoutGpu });
    expect(segmenter.adapter).to.include({ device: 'cpu', software: false });
    expect(segmenter.adapter.reason).to.match(/^Runs on the CPU because .*WebGPU/);
    segmenter.close();
  });

  it('auto uses what this browser has', async () => {
    const { webgpu } = await Segmenter.isSupported();
    const segmenter = await create({ device: 'auto' });
    if (webgpu !== 'hardware')
      expect(segmenter.adapter).to.include({ device: 'cpu', software: false });
    if (webgpu === 'software') expect(segmenter.adapter.reason).to.include('software');
    expect(segmenter.adapter.reason).to.match(/^Runs on .* because .*\.$/);
    segmenter.close();
  });

  it('WebGPU finds what the CPU finds', async function () {
    const { webgpu, reason } = await Segmenter.isSupported();
    if (webgpu === 'none') skip(this, reason);
    const masks = [];
    for (const device of ['cpu', 'webgpu']) {
      const segmenter = await create({ device });
      expect(segmenter.adapter.device).to.equal(device);
      masks.push((await (await segmenter.setImage(photo)).segment({ prompt: BOX })).masks[0]);
      segmenter.close();
    }
    expect(iou(...masks)).to.be.above(0.9);
  });
});
