// Removes WebGPU from a worker.
Object.defineProperty(navigator, 'gpu', { value: undefined });
