// Starts the package's worker in scripts of the tests, and makes things go wrong in it.

const start = (name) => () =>
  new Worker(new URL(`workers/${name}.js`, import.meta.url), { type: 'module' });

/** Starts a worker that can crash. */
export const crashing = start('crashing');
/** Starts a worker that can destroy its graphics device. */
export const destroying = start('destroying');
/** Starts a worker without WebGPU. */
export const withoutGpu = start('without-gpu');

/**
 * Sends a message to the workers that listen to this channel, and waits until one of them has
 * acted.
 */
async function tell(name) {
  const channel = new BroadcastChannel(name);
  const done = new Promise((resolve) => (channel.onmessage = resolve));
  channel.postMessage('now');
  await done;
  channel.close();
}

/** Makes all workers of the kind `crashing` crash. */
export const crash = () => tell('crash');
/** Destroys the graphics devices of all workers of the kind `destroying`. */
export const destroyDevice = () => tell('destroy');
