// This is the entry point aims-web/psd. It is apart from the others because it needs the package ag-psd.
export { type PsdOptions, sceneToPsd } from './results/psd.js';
