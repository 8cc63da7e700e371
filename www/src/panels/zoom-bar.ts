// The zoom: what it is, and buttons to change it.
import { byId } from '../dom.js';
import type { Viewport } from '../view/viewport.js';

/** The factor of one press of a button or key. */
const FACTOR = 1.5;

export class ZoomBar {
  readonly #viewport: Viewport;

  constructor(viewport: Viewport) {
    this.#viewport = viewport;
    byId('zoom-in').addEventListener('click', () => this.zoom(1));
    byId('zoom-out').addEventListener('click', () => this.zoom(-1));
    byId('zoom-fit').addEventListener('click', () => this.fit());
    byId('zoom-full').addEventListener('click', () => this.full());
  }

  update(): void {
    const { camera, photo } = this.#viewport;
    const zoom = photo ? camera.scale * devicePixelRatio : 1;
    byId('zoom-full').textContent = `${Math.round(100 * zoom)} %`;
  }

  zoom(steps: number): void {
    this.#viewport.camera.zoom(FACTOR ** steps);
    this.#viewport.moved();
  }

  fit(): void {
    this.#viewport.camera.fit();
    this.#viewport.moved();
  }

  /** Shows one pixel of the photo on one pixel of the screen. */
  full(): void {
    this.#viewport.camera.zoomTo(1 / devicePixelRatio);
    this.#viewport.moved();
  }
}
