import { iou } from '../testing/scenes.js';
import { BOX, create, expect, failure, photo, skip } from './package.js';

describe('setImage takes', () => {
  let segmenter;
  let bitmap;
  let canvas;
  let wanted;

  const find = async (source) => {
    const image = await segmenter.setImage(source);
    const { masks } = await image.segment({ prompt: BOX });
    image.close();
    return { size: [image.width, image.height], mask: masks[0] };
  };
  const drawOn = (canvas) => {
    Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
    return canvas;
  };
  const read = () => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);

  before(async () => {
    segmenter = await create();
    bitmap = await createImageBitmap(photo);
    canvas = drawOn(document.createElement('canvas'));
    wanted = await find(read());
    expect(wanted.size).to.deep.equal([451, 300]);
  });
  after(() => segmenter?.close());

  /** Expects nearly the same mask, because decoders differ a little. */
  const expectPhoto = async (source) => {
    const { size, mask } = await find(source);
    expect(size).to.deep.equal([451, 300]);
    expect(iou(mask, wanted.mask)).to.be.above(0.9);
  };

  it('a File', () => expectPhoto(new File([photo], 'photo.jpg')));

  it('an ImageData, which keeps its pixels', async () => {
    const pixels = read();
    await expectPhoto(pixels);
    expect(pixels.data.length).to.equal(4 * 451 * 300);
  });

  it('an ImageBitmap, which stays open', async () => {
    await expectPhoto(bitmap);
    expect(bitmap.width).to.equal(451);
  });

  it('a canvas', () => expectPhoto(canvas));

  it('an OffscreenCanvas', () => expectPhoto(drawOn(new OffscreenCanvas(1, 1))));

  it('an <img>, which may still be loading', async () => {
    const address = URL.createObjectURL(photo);
    await expectPhoto(Object.assign(new Image(), { src: address }));
    await expectPhoto(Object.assign(new Image(), { loading: 'lazy', src: address }));
  });

  it('an <img> that has not loaded, until the call is aborted or the segmenter is closed', async () => {
    const never = Object.assign(new Image(), { src: '/test/never.jpg' });
    const controller = new AbortController();
    const aborted = failure(segmenter.setImage(never, { signal: controller.signal }));
    controller.abort();
    expect(await aborted).to.equal('aborted');
    const other = await create();
    const closed = failure(other.setImage(never));
    other.close();
    expect(await closed).to.equal('closed');
    never.src = '';
  });

  /**
   * Expects that objects of another window work, although they are of other classes than those of
   * this page.
   */
  const expectObjectsOf = async (other) => {
    const itsBitmap = await other.createImageBitmap(photo);
    const itsCanvas = drawOn(other.document.createElement('canvas'));
    const itsPixels = itsCanvas.getContext('2d').getImageData(0, 0, 451, 300);
    const element = Object.assign(new other.Image(), { src: URL.createObjectURL(photo) });
    const frame = other.VideoFrame && new other.VideoFrame(itsBitmap, { timestamp: 0 });
    for (const source of [
      new other.File([photo], 'photo.jpg'),
      itsBitmap,
      itsCanvas,
      itsPixels,
      element,
      ...(frame ? [frame] : []),
    ]) {
      expect(source).not.to.be.instanceOf(Object);
      const image = await segmenter.setImage(source);
      expect([image.width, image.height]).to.deep.equal([451, 300]);
      image.close();
    }
    frame?.close();
    // The bytes are read, and they are not a model.
    expect(await failure(create({ model: new other.Uint8Array(9) }))).to.equal('model-corrupt');
  };

  it('objects that a frame has made', async () => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    await expectObjectsOf(frame.contentWindow).finally(() => frame.remove());
  });

  it('objects that a popup has made', async function () {
    const popup = window.open('', '', 'popup');
    if (!popup) skip(this, 'this browser opens no popup without a click');
    await expectObjectsOf(popup).finally(() => popup.close());
  });

  it('a VideoFrame', async function () {
    if (typeof VideoFrame === 'undefined') skip(this, 'this browser has no VideoFrame');
    const frame = new VideoFrame(bitmap, { timestamp: 0 });
    await expectPhoto(frame).finally(() => frame.close());
  });

  it('a <video>, of which it uses the frame that is shown', async function () {
    const video = Object.assign(document.createElement('video'), { muted: true });
    expect(await failure(segmenter.setImage(video))).to.equal('empty-image');
    const source = document.createElement('canvas');
    drawOn(source);
    if (!source.captureStream) skip(this, 'this browser makes no video of a canvas');
    const loaded = new Promise((resolve) =>
      video.addEventListener('loadeddata', () => resolve(true), { once: true }),
    );
    video.srcObject = source.captureStream();
    // Browsers capture what is drawn from now on.
    const drawing = setInterval(() => drawOn(source), 200);
    const plays = video.play().then(
      () => loaded,
      () => false,
    );
    const late = new Promise((resolve) => setTimeout(resolve, 30_000, false));
    const isShown = await Promise.race([plays, late]);
    clearInterval(drawing);
    if (!isShown) skip(this, 'this browser plays no video of a canvas on this machine');
    const { size, mask } = await find(video);
    expect(size).to.deep.equal([451, 300]);
    expect(iou(mask, wanted.mask)).to.be.above(0.9); // a stream may be compressed
  });

  it('the pixels at the time of the call', async () => {
    const other = drawOn(new OffscreenCanvas(1, 1));
    const [filled, transferred] = [read(), read()];
    const closed = await createImageBitmap(canvas);
    const calls = [filled, transferred, other, closed].map((source) => segmenter.setImage(source));
    filled.data.fill(0);
    structuredClone(transferred.data.buffer, { transfer: [transferred.data.buffer] });
    other.getContext('2d').clearRect(0, 0, 451, 300);
    closed.close();
    for (const call of calls) {
      const { masks } = await (await call).segment({ prompt: BOX });
      expect(masks[0].rle).to.deep.equal(wanted.mask.rle);
    }
  });
});
