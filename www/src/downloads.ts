import { cutOut, type Mask, type Scene } from 'aims-web';

/** In pixels: edges of photos are never quite hard. */
const FEATHER = 2;

/** The photo inside the mask on a transparent ground, cut to what shows of it. */
export async function saveCutout(photo: ImageBitmap, mask: Mask, name: string): Promise<void> {
  const canvas = cutOut(photo, mask, { feather: FEATHER });
  save(await canvas.convertToBlob({ type: 'image/png' }), `${name}-${mask.level}-${mask.id}.png`);
}

export function saveScene(scene: Scene, name: string): void {
  save(
    new Blob([JSON.stringify({ image: name, ...scene })], { type: 'application/json' }),
    `${name}-scene.json`,
  );
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download reads the address after this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
