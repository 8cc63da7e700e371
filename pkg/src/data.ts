// All that works on plain data, in browsers and elsewhere.
export { type ErrorCode, SegmenterError } from './errors.js';
export { latest } from './latest.js';
export { intersectMasks, invertMask, subtractMasks, unionMasks } from './results/algebra.js';
export { type Alpha, type EdgeOptions, cutOutBox, maskToAlpha } from './results/alpha.js';
export { type Rgba, cutOut, maskToImageBitmap, maskToImageData, maskToPath2D } from './results/canvas.js';
export { type CocoAnnotation, type CocoDataset, type CocoOptions, sceneToCoco } from './results/coco.js';
export { growMask, shrinkMask, smoothMask } from './results/discs.js';
export { type MaskFeature, type SceneFeatures, maskToGeoJson, sceneToGeoJson } from './results/geojson.js';
export { type NameOptions, type SceneEdge, type SceneGraph, sceneGraph, sceneToDot } from './results/graph.js';
export { type Ring, traceOutline } from './results/outline.js';
export { type HoleOptions, type IslandOptions, dropIslands, fillHoles } from './results/pieces.js';
export { type Polygon, maskToPolygons, maskToSvgPath } from './results/polygons.js';
export { type HasRle, decodeRle, encodeRle, rleArea, rleBox } from './results/rle.js';
export type { OutlineOptions } from './results/simplify.js';
export type { MaskOrRle } from './results/spans.js';
export { backgroundOf, subjectOf } from './results/subject.js';
export type * from './types.js';
