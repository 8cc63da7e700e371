// These functions start the package's worker in scripts of the tests, and make things go wrong in it.

const start = (name) => () =>
  new Worker(new URL(`workers/${name}.js`, import.meta.url), { type: 'module' });

/** This worker can crash. */
export const crashing = start('crashing');
/** This worker can destroy its graphics device. */
export const destroying = start('destroying');
/** This worker has no WebGPU. */
export const withoutGpu = start('without-gpu');

/** Tells the workers that listen to this channel, and waits until one has done it. */
async function tell(name) {
  const channel = new BroadcastChannel(name);
  const done = new Promise((resolve) => (channel.onmessage = resolve));
  channel.postMessage('now');
  await done;
  channel.close();
}

/** Lets all workers of the kind `crashing` crash. */
export const crash = () => tell('crash');
/** Destroys the graphics devices of all workers of the kind `destroying`. */
export const destroyDevice = () => tell('destroy');
