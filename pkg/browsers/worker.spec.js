import {
  BOX,
  countRequests,
  create,
  embed,
  expect,
  failure,
  photo,
  skip,
  TINY,
} from './package.js';

/**
 * Gives what frame.js reports about the segmenter that it creates in a frame: its device, or the
 * error.
 */
async function inFrame(policy, sandbox) {
  const frame = document.createElement('iframe');
  if (sandbox) frame.sandbox = sandbox;
  const told = new Promise((resolve) => {
    addEventListener('message', function hear({ source, data }) {
      if (source !== frame.contentWindow) return;
      removeEventListener('message', hear);
      resolve(data);
    });
  });
  frame.src = `frame.html?${policy}`;
  document.body.append(frame);
  return told.finally(() => frame.remove());
}

/** Expects that the frame cannot start a worker, and that it does not download the model first. */
async function expectRefusal(open, advice) {
  const before = await countRequests('.safetensors');
  const told = await open();
  expect(told.code).to.equal('unsupported-environment');
  expect(told.message).to.include(advice);
  expect(await countRequests('.safetensors')).to.equal(before);
  return told;
}

describe('the worker', () => {
  it('can be started by the page, each time it is needed', async () => {
    const started = [];
    const worker = () => {
      started.push(new Worker(new URL('../dist/worker.js', import.meta.url), { type: 'module' }));
      return started.at(-1);
    };
    const segmenter = await create({
      worker,
      assets: 'https://cdn.example/',
      model: () => fetch(TINY),
    });
    const image = await segmenter.setImage(photo);
    const before = await image.segment({ prompt: BOX });
    started[0].dispatchEvent(new ErrorEvent('error', { message: 'a defect', cancelable: true }));
    expect(await image.segment({ prompt: BOX })).to.deep.equal(before);
    expect(started.length).to.equal(2);
    segmenter.close();
  });

  it('gives an error with a code if it cannot be started', async () => {
    const workers = [
      () => new Worker('/nowhere.js', { type: 'module' }),
      () => {
        throw new Error('no');
      },
    ];
    for (const worker of workers)
      expect(await failure(create({ worker }))).to.equal('unsupported-environment');
    expect(await failure(create({ worker: () => ({}) }))).to.equal('TypeError');
  });

  it('starts where Trusted Types are required, if the page allows the policy of the package', async function () {
    if (!('trustedTypes' in window)) skip(this, 'this browser has no Trusted Types');
    expect(await inFrame('trusted')).to.deep.equal({ device: 'cpu' });
    await expectRefusal(() => inFrame('untrusted'), 'trusted-types aims-web');
  });

  it('does not start in a sandbox, and the error says what to do', async () => {
    const { message, support, isCached } = await expectRefusal(
      () => inFrame('sandboxed', 'allow-scripts'),
      'allow-same-origin',
    );
    expect(support).to.include({ supported: false, reason: message });
    expect(isCached).to.equal(false);
  });

  it('needs the embedder policy of its page, and the error names it', async () => {
    await expectRefusal(() => inFrame('embedded'), 'Cross-Origin-Embedder-Policy');
    await embed(true);
    const told = await inFrame('embedded').finally(() => embed(false));
    expect(told, told.message).to.deep.equal({ device: 'cpu' });
  });
});
