// These exports work on plain data, so browsers and Node get the same ones.

export { latest } from './calls/latest.js';
export { type ErrorCode, SegmenterError } from './common/errors.js';
export type * from './common/matte.js';
export type * from './common/types.js';
export { intersectMasks, invertMask, subtractMasks, unionMasks } from './results/algebra.js';
export { type EdgeOptions, maskToAlpha } from './results/alpha.js';
export { maskToImageBitmap, maskToImageData, maskToPath2D, type Rgba } from './results/canvas.js';
export type {
  CocoAnnotation,
  CocoDataset,
  CocoFormat,
  CocoOptions,
  CocoPhoto,
} from './results/coco.js';
export { scenesToCoco, sceneToCoco } from './results/coco.js';
export { type CocoShape, cocoToRle } from './results/coco-reading.js';
export { type CutOutOptions, cutOut, cutOutBox } from './results/cut-out.js';
export { growMask, shrinkMask, smoothMask } from './results/discs.js';
export {
  type MaskFeature,
  maskToGeoJson,
  type SceneFeatures,
  sceneToGeoJson,
} from './results/geojson.js';
export {
  type NameOptions,
  type SceneEdge,
  type SceneGraph,
  sceneGraph,
  sceneToDot,
} from './results/graph.js';
export { type Ring, traceOutline } from './results/outline.js';
export { dropIslands, fillHoles, type HoleOptions, type IslandOptions } from './results/pieces.js';
export { maskToPolygons, maskToSvgPath, type Polygon } from './results/polygons.js';
export { decodeRle, encodeRle, type HasRle, rleArea, rleBox } from './results/rle.js';
export type { OutlineOptions } from './results/simplify.js';
export type { MaskOrRle } from './results/spans.js';
export { backgroundOf, subjectOf } from './results/subject.js';
