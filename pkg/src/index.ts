export * from './data.js';
export type { SegmentedImage } from './image.js';
export { Segmenter } from './segmenter.js';
