import type { Mask, Scene } from 'aims-web';
import { pathOf } from './shapes.js';

/** The photo inside the mask on a transparent ground, cut to its bounding box. */
export async function saveCutout(photo: ImageBitmap, mask: Mask, name: string): Promise<void> {
  const [left, top, width, height] = mask.bbox;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('The browser cannot draw a picture of this size.');
  context.translate(-left, -top);
  context.clip(pathOf(mask));
  context.drawImage(photo, 0, 0);
  save(await canvas.convertToBlob({ type: 'image/png' }), `${name}-${mask.level}-${mask.id}.png`);
}

export function saveScene(scene: Scene, name: string): void {
  save(new Blob([JSON.stringify({ image: name, ...scene })], { type: 'application/json' }), `${name}-scene.json`);
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download reads the address after this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
