import { cutOut, type Mask, type Scene } from 'aims-web';

/** The soft edge of cut-outs, in pixels, because edges in photos are never quite hard. */
const FEATHER = 2;

/** Saves the photo inside the mask, on a transparent background, cropped to what is visible. */
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
  // The download reads the address later than this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
