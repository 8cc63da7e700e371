// Tests segmenters that run on the page itself, on a graphics device of the page.
import { BOX, create, expect, failure, POINT, photo, Segmenter, skip } from './package.js';

describe('a device of the page', () => {
  let adapter;
  let device;

  before(async function () {
    const { webgpu, reason } = await Segmenter.isSupported();
    if (webgpu === 'none') skip(this, reason);
  });
  beforeEach(async () => {
    adapter = await navigator.gpu.requestAdapter();
    device = await adapter.requestDevice();
  });
  /** The page's segmenters share one device until it is lost. */
  afterEach(async () => {
    device?.destroy();
    await device?.lost;
  });

  const createOnPage = () => create({ device: 'auto', gpu: { adapter, device }, inputSize: 128 });

  it('is shared, and the page keeps it', async () => {
    const errors = [];
    device.onuncapturederror = ({ error }) => errors.push(error.message);
    const segmenter = await createOnPage();
    expect(segmenter.adapter.device).to.equal('webgpu');
    const ours = await (await segmenter.setImage(photo)).segment({ prompt: POINT });
    const own = await create({ device: 'webgpu', inputSize: 128 });
    const theirs = await (await own.setImage(photo)).segment({ prompt: POINT });
    expect(ours.masks.length).to.equal(1);
    expect(ours).to.deep.equal(theirs);
    const second = await navigator.gpu.requestAdapter();
    const other = await second.requestDevice();
    const error = await create({ device: 'auto', gpu: { adapter: second, device: other } }).catch(
      (error) => error,
    );
    expect(String(error)).to.match(/^TypeError: .*share one GPUDevice/);
    other.destroy();
    segmenter.close();
    own.close();
    // The page can still use its device and hears of its own errors.
    const buffer = device.createBuffer({
      size: 16,
      usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    });
    device.queue.writeBuffer(buffer, 0, new Uint8Array(16));
    await device.queue.onSubmittedWorkDone();
    device.createBuffer({ size: 16, usage: 0xffff_ffff });
    await device.queue.onSubmittedWorkDone();
    await new Promise((done) => setTimeout(done, 200));
    expect(errors.length).to.equal(1);
  });

  it('is used again after a panic in one of two segmenters, which makes the calls of both fail', async () => {
    const segmenters = [await createOnPage(), await createOnPage()];
    const images = [];
    for (const segmenter of segmenters) images.push(await segmenter.setImage(photo));
    const find = () => images.map((image) => image.segment({ prompt: BOX }));
    const before = await Promise.all(find());
    const restore = ignoreTraps();
    const { queue } = device;
    // The program assumes that this never fails.
    queue.writeBuffer = () => {
      throw new TypeError('out of order');
    };
    expect(await Promise.all(find().map(failure))).to.deep.equal(['internal', 'internal']);
    delete queue.writeBuffer;
    const after = await Promise.all(find());
    restore();
    for (const segmenter of segmenters) segmenter.close();
    expect(after).to.deep.equal(before);
    expect(after.map(({ masks }) => masks.length)).to.deep.equal([1, 1]);
  });
});

/**
 * A panic is also an uncaught error of the page, for which mocha's handler would make the test
 * fail.
 */
function ignoreTraps() {
  const handler = window.onerror;
  window.onerror = (...args) => args[4] instanceof WebAssembly.RuntimeError || handler?.(...args);
  return () => (window.onerror = handler);
}
