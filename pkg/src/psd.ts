// This is the entry point aims-web/psd. It is a module of its own because it needs ag-psd.
export { type PsdOptions, sceneToPsd } from './results/psd.js';
