// The package's worker, which the page can let crash.
import '../../dist/worker.js';

new BroadcastChannel('crash').onmessage = () => {
  throw new Error('a defect');
};
