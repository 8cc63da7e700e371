// The package's worker, whose graphics device the page can destroy.
import './keep-device.js';
import '../../dist/worker.js';

const channel = new BroadcastChannel('destroy');
channel.onmessage = () => {
  self.device.destroy();
  channel.postMessage('done');
};
