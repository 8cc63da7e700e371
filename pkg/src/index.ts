// This is the entry point aims-web for browsers.
export * from './common-exports.js';
export type { SegmentedImage } from './calls/segmented-image.js';
export { Segmenter } from './calls/segmenter.js';
