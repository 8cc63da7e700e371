import type { Box, CocoRle, Level, Mask, Scene } from '../common/types.js';
import type { Ring } from './outline.js';
import { maskToPolygons } from './polygons.js';
import type { OutlineOptions } from './simplify.js';

/** The parts of a GeoJSON feature (RFC 7946) that a mask needs. */
export interface MaskFeature {
  type: 'Feature';
  id: number;
  geometry: { type: 'MultiPolygon'; coordinates: [x: number, y: number][][][] };
  properties: {
    id: number;
    level: Level;
    score: number;
    area: number;
    /** The box is [x, y, width, height], unlike GeoJSON's own `bbox`. */
    bbox: Box;
    parent: number | null;
    members: number[];
  };
}

/** A collection of features with all masks of a scene. */
export interface SceneFeatures {
  type: 'FeatureCollection';
  features: MaskFeature[];
}

/**
 * Makes a GeoJSON feature from a mask. Coordinates are pixels of the photo and not degrees: x
 * points to the right and y points down. Rings are closed, and their numbers obey the right-hand
 * rule. A program that plots y upwards, as maps do, shows the photo upside down, with
 * counter-clockwise outer rings and clockwise holes. An empty mask has no coordinates. Geometries
 * are valid by the rules of OpenGIS; see {@link maskToPolygons}.
 *
 * @throws {TypeError} if the tolerance is negative.
 */
export function maskToGeoJson(mask: Mask<CocoRle>, options: OutlineOptions = {}): MaskFeature {
  const { id, level, score, area, bbox, parent, members } = mask;
  const coordinates = maskToPolygons(mask, options).map(({ outer, holes }) =>
    [outer, ...holes].map(closed),
  );
  return {
    type: 'Feature',
    id,
    geometry: { type: 'MultiPolygon', coordinates },
    properties: { id, level, score, area, bbox: [...bbox], parent, members: [...members] },
  };
}

/** Makes GeoJSON from all masks of a scene, in the scene's order; see {@link maskToGeoJson}. */
export function sceneToGeoJson(
  { masks }: Scene<CocoRle>,
  options: OutlineOptions = {},
): SceneFeatures {
  return { type: 'FeatureCollection', features: masks.map((mask) => maskToGeoJson(mask, options)) };
}

// Clockwise with y down is counter-clockwise with y up, so the rings keep their order.
function closed(ring: Ring): [x: number, y: number][] {
  const corners = Array.from({ length: ring.length / 2 }, (_, i): [number, number] => [
    ring[2 * i]!,
    ring[2 * i + 1]!,
  ]);
  return [...corners, [ring[0]!, ring[1]!]];
}
