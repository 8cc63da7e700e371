// This is the package's worker as in a browser that has no WebGPU.
import './remove-gpu.js';
import '../../dist/worker.js';
