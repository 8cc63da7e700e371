// The camera says which piece of the photo is on the screen, and how large. Screen coordinates are
// CSS pixels from the top left of the view.
import type { Box } from 'aims-web';

export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** The largest zoom, in CSS pixels for each pixel of the photo. */
const MOST = 32;
/** The smallest zoom, as a share of the zoom at which the whole photo fits. */
const LEAST = 0.5;
/** At least this many CSS pixels of the photo stay in sight. */
const IN_SIGHT = 48;

export class Camera {
  /** CSS pixels for each pixel of the photo. */
  scale = 1;
  /** The place of the photo's top left corner on the screen. */
  x = 0;
  y = 0;
  /** True until the user zooms or pans. A view that changes its size then shows the whole photo. */
  fitted = true;
  #photo: Size = { width: 1, height: 1 };
  #view: Size = { width: 1, height: 1 };

  setPhoto(photo: Size): void {
    this.#photo = photo;
    this.fit();
  }

  setView(view: Size): void {
    this.#view = view;
    if (this.fitted) this.fit();
    else this.#keepInSight();
  }

  /** Shows the whole photo, in the middle. */
  fit(): void {
    this.scale = this.#fitScale();
    this.x = (this.#view.width - this.#photo.width * this.scale) / 2;
    this.y = (this.#view.height - this.#photo.height * this.scale) / 2;
    this.fitted = true;
  }

  /** Zooms by a factor. The point of the photo that is at `at` on the screen stays there. */
  zoom(factor: number, at: Point = this.#middle()): void {
    const before = this.scale;
    const least = Math.min(1, LEAST * this.#fitScale());
    this.scale = Math.min(MOST, Math.max(least, before * factor));
    const change = this.scale / before;
    this.x = at.x - (at.x - this.x) * change;
    this.y = at.y - (at.y - this.y) * change;
    this.fitted = false;
    this.#keepInSight();
  }

  /** Shows one pixel of the photo as this many CSS pixels. */
  zoomTo(scale: number, at?: Point): void {
    this.zoom(scale / this.scale, at);
  }

  pan(dx: number, dy: number): void {
    this.x += dx;
    this.y += dy;
    this.fitted = false;
    this.#keepInSight();
  }

  toPhoto({ x, y }: Point): Point {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  toScreen({ x, y }: Point): Point {
    return { x: x * this.scale + this.x, y: y * this.scale + this.y };
  }

  /** Gives the piece of the photo that is in sight. Its width may be 0. */
  visible(): Box {
    const from = this.toPhoto({ x: 0, y: 0 });
    const to = this.toPhoto({ x: this.#view.width, y: this.#view.height });
    const left = Math.max(0, Math.floor(from.x));
    const top = Math.max(0, Math.floor(from.y));
    const right = Math.min(this.#photo.width, Math.ceil(to.x));
    const bottom = Math.min(this.#photo.height, Math.ceil(to.y));
    return [left, top, Math.max(0, right - left), Math.max(0, bottom - top)];
  }

  #fitScale(): number {
    const margin = Math.min(24, this.#view.width * 0.03);
    const width = Math.max(1, this.#view.width - 2 * margin);
    const height = Math.max(1, this.#view.height - 2 * margin);
    return Math.min(8, width / this.#photo.width, height / this.#photo.height);
  }

  #middle(): Point {
    return { x: this.#view.width / 2, y: this.#view.height / 2 };
  }

  #keepInSight(): void {
    const within = (value: number, length: number, room: number) =>
      Math.min(room - IN_SIGHT, Math.max(IN_SIGHT - length, value));
    this.x = within(this.x, this.#photo.width * this.scale, this.#view.width);
    this.y = within(this.y, this.#photo.height * this.scale, this.#view.height);
  }
}
