// Creates a segmenter in a frame. Sends the page around it the device, or otherwise the error and
// the answers of the functions that need no segmenter.
import { Segmenter } from '../dist/index.js';

const model = new URL('../models/aims-tiny-q4.safetensors', import.meta.url);
const told = await Segmenter.create({ device: 'cpu', inputSize: 64, model }).then(
  ({ adapter }) => ({ device: adapter.device }),
  async ({ code, message }) => {
    const isCached = await Segmenter.isCached({ model });
    await Segmenter.clearCache();
    return { code, message, isCached, support: await Segmenter.isSupported() };
  },
);
parent.postMessage(told, '*');
