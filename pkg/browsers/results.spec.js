import * as aims from './package.js';
import { resultsOf } from './results.js';

const {
  cutOut,
  cutOutBox,
  decodeRle,
  expect,
  fetchBlob,
  fetchJson,
  maskToAlpha,
  maskToImageBitmap,
  maskToImageData,
  maskToPath2D,
} = aims;

describe('results', () => {
  let scene;
  let mask;
  let photo;

  before(async () => {
    scene = (await fetchJson('/tests/golden/demo-grid.json')).full;
    [mask] = scene.masks;
    photo = await createImageBitmap(await fetchBlob('/www/public/samples/astronaut.jpg'));
  });

  const read = (draw) => {
    const context = new OffscreenCanvas(scene.width, scene.height).getContext('2d', {
      willReadFrequently: true,
    });
    draw(context);
    return context.getImageData(0, 0, scene.width, scene.height).data;
  };
  /** Counts the values that differ by more than `most`. */
  const differences = (a, b, most) =>
    a.reduce((count, value, i) => count + (Math.abs(value - b[i]) > most ? 1 : 0), 0);
  const alphaOf = (data) => Uint8Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + 3]);

  it('combined masks, the subject, outlines, COCO, GeoJSON and the graph are the same as in Node', async () => {
    const wanted = await fetchJson('/test/results');
    const found = JSON.parse(JSON.stringify(resultsOf(aims, scene)));
    expect(Object.keys(found)).to.deep.equal(Object.keys(wanted));
    for (const [name, value] of Object.entries(wanted))
      expect(JSON.stringify(found[name]) === JSON.stringify(value), name).to.equal(true);
  });

  it('cutOut gives the pixels of the photo, with the alpha of the mask', () => {
    const options = { feather: 3 };
    const cut = cutOut(photo, mask, options);
    expect(cut).to.be.instanceOf(OffscreenCanvas);
    const [left, top, width, height] = cutOutBox(mask, options);
    expect([cut.width, cut.height]).to.deep.equal([width, height]);
    const whole = read((context) => context.drawImage(photo, 0, 0));
    const found = read((context) => context.drawImage(cut, left, top));
    expect(differences(alphaOf(found), maskToAlpha(mask, options).data, 1)).to.equal(0);
    const isOpaque = (i) => found[4 * Math.floor(i / 4) + 3] === 255;
    expect(
      found.filter((value, i) => isOpaque(i) && Math.abs(value - whole[i]) > 2).length,
    ).to.equal(0);
  });

  it('a bitmap and a filled path cover the pixels of the mask', async () => {
    const pixels = decodeRle(mask.rle).map((inside) => 255 * inside);
    const bitmap = await maskToImageBitmap(mask, [255, 0, 0, 255]);
    expect(
      differences(alphaOf(read((context) => context.drawImage(bitmap, 0, 0))), pixels, 0),
    ).to.equal(0);
    const { data } = maskToImageData(mask, [1, 2, 3, 255]);
    expect(
      differences(
        data.filter((_, i) => i % 4 === 0),
        pixels.map((alpha) => alpha / 255),
        0,
      ),
    ).to.equal(0);
    // The path runs along the edges of pixels. Its corners may be blended.
    expect(
      differences(alphaOf(read((context) => context.fill(maskToPath2D(mask)))), pixels, 8),
    ).to.equal(0);
  });
});
