// The package's worker in a browser that has no WebGPU.
import './remove-gpu.js';
import '../../dist/worker.js';
