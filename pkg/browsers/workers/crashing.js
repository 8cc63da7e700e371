// The package's worker, which the page can make crash.
import '../../dist/worker.js';

const channel = new BroadcastChannel('crash');
channel.onmessage = () => {
  channel.postMessage('done');
  throw new Error('a defect');
};
