// What the cut-out lies on.
import type { Backdrop } from '../edit/state.js';
import type { Size } from './camera.js';
import type { Pyramid } from './pyramid.js';

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** The side of a square of the checkerboard, in CSS pixels. */
const SQUARE = 8;
/** Blurred photos have this long side. More pixels would not show. */
const BLURRED_SIDE = 512;

/**
 * Draws a backdrop on a context whose unit is one pixel of the photo. `px` is the size of one CSS
 * pixel in that unit.
 */
export function drawBackdrop(
  context: Context,
  { kind, blur, picture }: Backdrop,
  photo: Pyramid,
  px: number,
): void {
  const { width, height } = photo;
  if (kind === 'checker') {
    context.fillStyle = checkerboard(context, SQUARE * px);
    context.fillRect(0, 0, width, height);
  } else if (kind === 'blur') {
    context.imageSmoothingEnabled = true;
    context.drawImage(blurred(photo, blur), 0, 0, width, height);
  } else if (kind === 'picture' && picture) {
    drawCover(context, picture, photo);
  } else {
    context.fillStyle = kind === 'white' ? '#fff' : '#000';
    context.fillRect(0, 0, width, height);
  }
}

/** Makes a checkerboard whose squares have this side, in the context's unit. */
function checkerboard(context: Context, side: number): CanvasPattern {
  const tile = new OffscreenCanvas(2, 2);
  const pen = tile.getContext('2d')!;
  pen.fillStyle = '#fff';
  pen.fillRect(0, 0, 2, 2);
  pen.fillStyle = '#d4d6dc';
  pen.fillRect(0, 0, 1, 1);
  pen.fillRect(1, 1, 1, 1);
  context.imageSmoothingEnabled = false;
  const pattern = context.createPattern(tile, 'repeat')!;
  pattern.setTransform(new DOMMatrix().scale(side));
  return pattern;
}

/** Draws a picture so that it covers the photo's area and keeps its shape. */
function drawCover(context: Context, picture: ImageBitmap, { width, height }: Size): void {
  const scale = Math.max(width / picture.width, height / picture.height);
  const [across, down] = [width / scale, height / scale];
  const [left, top] = [(picture.width - across) / 2, (picture.height - down) / 2];
  context.imageSmoothingEnabled = true;
  context.drawImage(picture, left, top, across, down, 0, 0, width, height);
}

let last: { photo: Pyramid; blur: number; canvas: OffscreenCanvas } | undefined;

/** Blurs a small copy of the photo. The last one is kept, because it is drawn many times. */
function blurred(photo: Pyramid, blur: number): OffscreenCanvas {
  if (last?.photo === photo && last.blur === blur) return last.canvas;
  const scale = Math.min(1, BLURRED_SIDE / Math.max(photo.width, photo.height));
  const [width, height] = [Math.ceil(photo.width * scale), Math.ceil(photo.height * scale)];
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d')!;
  const radius = blur * Math.max(width, height);
  if ('filter' in context) {
    context.filter = `blur(${radius}px)`;
    // The blur reaches over the borders, where it would mix in transparent pixels.
    const margin = 2 * radius;
    context.drawImage(photo.smallest, -margin, -margin, width + 2 * margin, height + 2 * margin);
  } else {
    // A copy of a few pixels that is drawn large is blurred too.
    const few = new OffscreenCanvas(Math.ceil(width / radius / 2), Math.ceil(height / radius / 2));
    few.getContext('2d')!.drawImage(photo.smallest, 0, 0, few.width, few.height);
    (context as OffscreenCanvasRenderingContext2D).drawImage(few, 0, 0, width, height);
  }
  last = { photo, blur, canvas };
  return canvas;
}
