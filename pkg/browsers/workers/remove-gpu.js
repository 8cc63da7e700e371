// This takes WebGPU away from a worker.
Object.defineProperty(navigator, 'gpu', { value: undefined });
