// The package's worker as in a browser without WebGPU.
import './remove-gpu.js';
import '../../dist/worker.js';
