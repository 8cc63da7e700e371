// A picture in halved sizes. Each frame is drawn from the smallest one that is sharp enough, so a
// large photo costs no more than a small one.
import type { Box } from 'aims-web';

type Picture = ImageBitmap | OffscreenCanvas;

/** The longest side, in pixels, that is not halved any more. */
const SMALL = 1024;
/** From this many device pixels for each pixel of the photo on, pixels are shown as squares. */
const SQUARES = 3;

export class Pyramid {
  readonly width: number;
  readonly height: number;
  readonly #levels: Picture[];

  constructor(picture: Picture) {
    this.width = picture.width;
    this.height = picture.height;
    this.#levels = [picture];
    for (let last = picture; Math.max(last.width, last.height) > SMALL; ) {
      last = half(last);
      this.#levels.push(last);
    }
  }

  /** Gives the smallest copy. */
  get smallest(): Picture {
    return this.#levels.at(-1)!;
  }

  /**
   * Draws the piece of the picture inside `visible` on a context whose unit is one pixel of the
   * picture. `scale` is the number of device pixels for each of them.
   */
  draw(
    context: OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D,
    scale: number,
    visible: Box,
  ): void {
    const [x, y, width, height] = visible;
    if (width <= 0 || height <= 0) return;
    const level = Math.min(this.#levels.length - 1, Math.max(0, Math.floor(Math.log2(1 / scale))));
    const picture = this.#levels[level]!;
    const [across, down] = [picture.width / this.width, picture.height / this.height];
    context.imageSmoothingEnabled = scale < SQUARES;
    context.imageSmoothingQuality = 'low';
    context.drawImage(
      picture,
      x * across,
      y * down,
      width * across,
      height * down,
      x,
      y,
      width,
      height,
    );
  }

  /** Frees the copies, but not the picture itself. */
  close(): void {
    for (const level of this.#levels.splice(1)) if ('close' in level) level.close();
  }
}

function half(picture: Picture): ImageBitmap {
  const canvas = new OffscreenCanvas(
    Math.max(1, Math.round(picture.width / 2)),
    Math.max(1, Math.round(picture.height / 2)),
  );
  const context = canvas.getContext('2d')!;
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.transferToImageBitmap();
}
