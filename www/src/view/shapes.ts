// Masks on the screen: their colours, their names, and which of them are under the pointer.
import type { Level, Mask, Scene } from 'aims-web';
import type { Point } from './camera.js';
import { pathOf } from './outlines.js';

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
    .filter((mask) => {
      const path = pathOf(mask);
      return path && tester?.isPointInPath(path, x, y);
    })
    .sort((a, b) => a.area - b.area);
}

const NAMES: Record<Level, string> = { part: 'Part', entity: 'Entity', relation: 'Relation' };

export const titleOf = (mask: Mask): string => `${NAMES[mask.level]} ${mask.id}`;

/** Says how much of the photo an area in pixels is. */
export function shareOf(area: number, [height, width]: readonly [number, number]): string {
  const share = (100 * area) / (width * height);
  return `${share < 1 ? '< 1' : Math.round(share)} % of the photo`;
}
