// Creates a segmenter in a frame and tells the page around it of its device, or of the error.
import { Segmenter } from '../dist/index.js';

const model = new URL('../models/aims-tiny-q8.safetensors', import.meta.url);
const told = await Segmenter.create({ device: 'cpu', inputSize: 64, model }).then(
  ({ adapter }) => ({ device: adapter.device }),
  ({ code, message }) => ({ code, message }),
);
parent.postMessage(told, '*');
