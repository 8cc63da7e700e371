// Masks as shapes on the screen: their outlines, their colours, and which one is under the pointer.
import {
  type Box,
  type HasRle,
  type Level,
  type Mask,
  maskToPath2D,
  rleBox,
  type Scene,
} from 'aims-web';
import type { Point } from './camera.js';

interface Shape {
  box: Box;
  /** The outlines, by how coarse they are. 0 is exact. */
  paths: Map<number, Path2D>;
}

const shapes = new WeakMap<object, Shape>();

function shapeOf({ rle }: HasRle): Shape {
  let shape = shapes.get(rle);
  if (!shape) shapes.set(rle, (shape = { box: rleBox(rle), paths: new Map() }));
  return shape;
}

export const boxOf = (mask: HasRle): Box => shapeOf(mask).box;

/**
 * Gives the outline of a mask for this many device pixels for each pixel of the photo. When they
 * are few, the outline has fewer corners, but it is off by half a device pixel at most.
 */
export function pathOf(mask: HasRle, scale = Infinity): Path2D {
  const { paths } = shapeOf(mask);
  const coarse = scale >= 2 ? 0 : 2 ** Math.max(0, Math.floor(Math.log2(1 / scale)));
  let path = paths.get(coarse);
  if (!path) paths.set(coarse, (path = maskToPath2D(mask, { tolerance: coarse / 2 })));
  return path;
}

/** The golden angle between hues keeps the colours of neighbouring ids far apart. */
const hue = (mask: Mask) => Math.round((mask.id * 137.508 + 230) % 360);

export const colorOf = (mask: Mask, alpha = 1): string => `hsl(${hue(mask)} 72% 48% / ${alpha})`;

export const ofLevel = (scene: Scene, level: Level): Mask[] =>
  scene.masks.filter((mask) => mask.level === level);

const tester = new OffscreenCanvas(1, 1).getContext('2d');

/** Gives all masks that cover a point of the photo, the smallest first. */
export function masksAt(masks: readonly Mask[], { x, y }: Point): Mask[] {
  return masks
    .filter(
      ({ bbox: [left, top, width, height] }) =>
        x >= left && y >= top && x < left + width && y < top + height,
    )
    .filter((mask) => tester?.isPointInPath(pathOf(mask), x, y))
    .sort((a, b) => a.area - b.area);
}

const NAMES: Record<Level, string> = { part: 'Part', entity: 'Entity', relation: 'Relation' };

export const titleOf = (mask: Mask): string => `${NAMES[mask.level]} ${mask.id}`;

/** Says how much of the photo an area in pixels is. */
export function shareOf(area: number, [height, width]: readonly [number, number]): string {
  const share = (100 * area) / (width * height);
  return `${share < 1 ? '< 1' : Math.round(share)} % of the photo`;
}
