// The formats in which scenes are saved.
import { type Mask, maskToSvgPath, type Rle, rleArea, rleBox, type Scene } from 'aims-web';
import { colorOf, titleOf } from '../view/shapes.js';

/**
 * Gives the scene with the selection among its masks. A selection that is none of them becomes one
 * more entity.
 */
export function withSelection(
  scene: Scene,
  selection: Rle | undefined,
): { scene: Scene; selected: Mask | undefined } {
  if (!selection) return { scene, selected: undefined };
  const known = scene.masks.find(({ rle }) => rle === selection);
  if (known) return { scene, selected: known };
  const selected: Mask = {
    id: Math.max(0, ...scene.masks.map(({ id }) => id)) + 1,
    level: 'entity',
    score: 1,
    area: rleArea(selection),
    bbox: rleBox(selection),
    rle: selection,
    parent: null,
    members: [],
  };
  return { scene: { ...scene, masks: [...scene.masks, selected] }, selected };
}

/** Writes the outlines of all masks as an SVG picture, the largest first. */
export function sceneToSvg({ width, height, masks }: Scene): string {
  const paths = [...masks].sort((a, b) => b.area - a.area).map(pathOf);
  const box = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box}>\n${paths.join('\n')}\n</svg>\n`;
}

function pathOf(mask: Mask): string {
  const color = colorOf(mask);
  const attributes = {
    id: `${mask.level}-${mask.id}`,
    class: mask.level,
    fill: color,
    'fill-opacity': 0.4,
    stroke: color,
    d: maskToSvgPath(mask, { tolerance: 0.5 }),
  };
  const text = Object.entries(attributes).map(([name, value]) => `${name}="${value}"`);
  return `<path ${text.join(' ')}><title>${titleOf(mask)}</title></path>`;
}
