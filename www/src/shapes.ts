// Masks as shapes on the screen: their outlines, their colours, and which one is under the pointer.
import { type Level, type Mask, maskToPath2D, type Scene } from 'aims-web';

const paths = new WeakMap<Mask, Path2D>();

export function pathOf(mask: Mask): Path2D {
  let path = paths.get(mask);
  if (!path) paths.set(mask, (path = maskToPath2D(mask)));
  return path;
}

/** The golden angle between hues keeps the colours of neighbouring ids far apart. */
const hue = (mask: Mask) => Math.round((mask.id * 137.508 + 230) % 360);

export const colorOf = (mask: Mask, alpha = 1): string => `hsl(${hue(mask)} 72% 48% / ${alpha})`;

export const ofLevel = (scene: Scene, level: Level): Mask[] =>
  scene.masks.filter((mask) => mask.level === level);

const tester = new OffscreenCanvas(1, 1).getContext('2d');

/** Gives the smallest mask that covers a point, in pixels of the photo. */
export function maskAt(masks: readonly Mask[], x: number, y: number): Mask | undefined {
  return masks
    .filter(
      ({ bbox: [left, top, width, height] }) =>
        x >= left && y >= top && x < left + width && y < top + height,
    )
    .sort((a, b) => a.area - b.area)
    .find((mask) => tester?.isPointInPath(pathOf(mask), x, y));
}

const NAMES: Record<Level, string> = { part: 'Part', entity: 'Entity', relation: 'Relation' };

export const titleOf = (mask: Mask): string => `${NAMES[mask.level]} ${mask.id}`;

export function describe(mask: Mask, scene: { width: number; height: number }): string {
  const share = (100 * mask.area) / (scene.width * scene.height);
  return `Score ${Math.round(100 * mask.score)} %, ${share < 1 ? '< 1' : Math.round(share)} % of the photo`;
}
