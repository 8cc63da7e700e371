import {
  BOX,
  create,
  encodeRle,
  expect,
  failure,
  maskToAlpha,
  photo,
  Segmenter,
  TINY,
} from './package.js';

describe('errors', () => {
  it('wrong options are TypeErrors, and nothing is started', async () => {
    const wrong = [
      { device: 'gpu' },
      { precision: 'f64' },
      { inputSize: 100 },
      { inputSize: 4096 },
      { worker: 'worker.js' },
      { model: 'http://[' },
    ];
    for (const options of wrong)
      expect(await failure(create(options)), JSON.stringify(options)).to.equal('TypeError');
    const rle = encodeRle([1, 1, 1, 1], 2, 2);
    expect(await failure(() => maskToAlpha({ rle }, { feather: -1 }))).to.equal('TypeError');
  });

  it('wrong prompts have codes, and the image stays usable', async () => {
    const segmenter = await create();
    const image = await segmenter.setImage(photo);
    const wrong = {
      'size-mismatch': [{ kind: 'entity', mask: encodeRle([1, 1, 1, 1], 2, 2) }],
      'empty-prompt': [
        { kind: 'entity', mask: encodeRle(new Uint8Array(451 * 300), 451, 300) },
        { kind: 'box', box: [5000, 5000, 10, 10] },
        { kind: 'points', points: [] },
      ],
      'invalid-prompt': [
        { kind: 'mask', mask: { size: [300, 451], counts: '!' } },
        { kind: 'nonsense' },
        { kind: 'points', points: [{ x: NaN, y: 1, label: 1 }] },
        { kind: 'points', points: () => {} },
      ],
    };
    for (const [code, prompts] of Object.entries(wrong)) {
      for (const prompt of prompts)
        expect(await failure(image.segment({ prompt })), prompt.kind).to.equal(code);
    }
    for (const options of [{ minScore: 2 }, { grid: { pointsPerSide: 0 } }])
      expect(await failure(image.segment(options))).to.equal('invalid-option');
    expect((await image.segment({ prompt: BOX })).masks.length).to.equal(1);
    segmenter.close();
  });

  it('wrong model files have codes', async () => {
    const whole = await (await fetch(TINY)).arrayBuffer();
    const wrong = {
      'model-missing': [
        '/nowhere.safetensors',
        '/test/empty.safetensors',
        '/pkg/browsers/page.html',
        new Response('', { status: 404 }),
        () => Promise.reject(new Error('none')),
      ],
      'model-corrupt': [
        new ArrayBuffer(0),
        whole.slice(0, whole.byteLength / 2),
        new Blob(['{}']),
        new Uint8Array(99),
        new Blob(['text']).stream(),
      ],
    };
    for (const [code, models] of Object.entries(wrong))
      for (const model of models) expect(await failure(create({ model }))).to.equal(code);
  });

  it('a copy of the package on another origin is an error before anything is started', async () => {
    const assets = 'https://cdn.example/aims-web/';
    const { code, message } = await create({ assets }).catch((error) => error);
    expect(code).to.equal('unsupported-environment');
    expect(message).to.include('another origin');
    expect(await Segmenter.isSupported({ assets })).to.include({
      supported: false,
      reason: message,
    });
  });
});
