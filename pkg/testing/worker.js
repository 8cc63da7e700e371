// A stand-in for the worker, and segmenters that use it.
import { beforeEach } from 'node:test';
import { Segmenter } from '../dist/index.js';

export const SCENE = { width: 4, height: 3, masks: [] };
export const MATTE = { width: 4, height: 3, data: new Uint8ClampedArray(12), colors: null };
const NO_GPU = { kind: 'none', detail: 'this browser does not offer WebGPU here' };

/** Answers as the worker does, except for calls that are in `silent`. */
export class StandIn {
  static all = [];
  static silent = new Set();
  static gpu = NO_GPU;
  static failures = {};
  received = [];
  terminated = false;

  constructor() {
    StandIn.all.push(this);
  }

  postMessage(message) {
    this.received.push(message);
    if (message.type !== 'call' || StandIn.silent.has(message.call)) return;
    const { id, call, args } = message;
    const failure = StandIn.failures[args.device ?? call];
    if (failure) return this.send({ type: 'error', id, error: failure });
    const results = {
      begin: null,
      inspectGpu: StandIn.gpu,
      createEngine: { device: args.device, name: 'stand-in', software: false, precision: 'f32' },
      setImage: { imageId: id, width: 4, height: 3 },
      segment: SCENE,
      candidates: [],
      refine: MATTE,
      closeImage: null,
      closePhoto: null,
    };
    this.send({ type: 'progress', id, fraction: 0.6 });
    this.send({ type: 'progress', id, fraction: 0.3 });
    this.send({ type: 'result', id, result: results[call] });
  }

  send(message) {
    queueMicrotask(() => this.terminated || this.onmessage({ data: message }));
  }

  terminate() {
    this.terminated = true;
  }

  calls(name) {
    return this.received.filter((message) => message.call === name);
  }
}

globalThis.Worker = StandIn;
/** Receives the uncaught errors of the page. */
export const page = new EventTarget();
for (const name of ['addEventListener', 'removeEventListener'])
  globalThis[name] = page[name].bind(page);
// As in a browser, the program does not end while a call is never answered.
setInterval(() => {}, 1000).unref();

beforeEach(() => {
  StandIn.all = [];
  StandIn.silent.clear();
  StandIn.failures = {};
  StandIn.gpu = NO_GPU;
});

export const create = (options) => Segmenter.create({ model: new Blob(['model']), ...options });
export const tick = () => new Promise((resolve) => setTimeout(resolve));
