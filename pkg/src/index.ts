export { type ErrorCode, SegmenterError } from './errors.js';
export { type Rgba, maskToImageData, maskToPath2D } from './masks.js';
export { type Ring, traceOutline } from './outline.js';
export { decodeRle, encodeRle } from './rle.js';
export { type SegmentedImage, Segmenter } from './segmenter.js';
export type * from './types.js';
