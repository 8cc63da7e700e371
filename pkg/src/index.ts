// This is the entry point aims-web for browsers.

export type { SegmentedImage } from './calls/segmented-image.js';
export { Segmenter } from './calls/segmenter.js';
export * from './common-exports.js';
