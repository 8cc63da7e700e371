// The view of the photo: three canvases over each other, drawn through one camera. The lowest has
// the photo, the next the masks, and the highest what changes with the pointer. Each is drawn only
// when what it shows has changed.
import { byId } from '../dom.js';
import { Camera, type Point, type Size } from './camera.js';
import { drawMarks, drawMasks, isFaint, NOTHING, type Overlay, type Pen } from './overlay.js';
import type { Pyramid } from './pyramid.js';

type Layer = 'photo' | 'masks' | 'overlay';
const LAYERS: readonly Layer[] = ['photo', 'masks', 'overlay'];

/** Draws something over or instead of the photo. */
export type Draw = (pen: Pen) => void;

export class Viewport {
  readonly camera = new Camera();
  readonly element = byId('view');
  /** The highest canvas, which gets the pointer and the keys. */
  readonly canvas = byId<HTMLCanvasElement>('overlay');
  readonly #canvases = {
    photo: byId<HTMLCanvasElement>('photo'),
    masks: byId<HTMLCanvasElement>('masks'),
    overlay: this.canvas,
  };
  readonly #stale = new Set<Layer>();
  #frame = 0;
  #photo: Pyramid | undefined;
  #overlay: Overlay = NOTHING;
  /** Draws the result over the photo, if it is shown. */
  #result: Draw | undefined;
  /** Draws what a tool is doing. */
  #tool: Draw = () => {};
  /** Called after the camera has moved. */
  onMove: () => void = () => {};

  constructor() {
    new ResizeObserver(() => this.#resize()).observe(this.element);
  }

  get photo(): Size | undefined {
    return this.#photo;
  }

  showPhoto(photo: Pyramid | undefined): void {
    this.#photo = photo;
    this.element.classList.toggle('empty', !photo);
    if (photo) this.camera.setPhoto(photo);
    this.moved();
  }

  showOverlay(overlay: Overlay): void {
    const before = this.#overlay;
    this.#overlay = overlay;
    if (
      before.masks !== overlay.masks ||
      before.outlinesOnly !== overlay.outlinesOnly ||
      isFaint(before) !== isFaint(overlay)
    )
      this.redraw('masks');
    this.redraw('overlay');
  }

  /** Shows the result over the photo, or the masks if there is none. */
  showResult(result: Draw | undefined): void {
    if (!result && !this.#result) return;
    this.#result = result;
    this.redraw(...LAYERS);
  }

  setTool(draw: Draw): void {
    this.#tool = draw;
    this.redraw('overlay');
  }

  /** Draws everything again, after the camera has moved. */
  moved(): void {
    const { scale, x, y } = this.camera;
    this.canvas.dataset.camera = `${scale} ${x} ${y}`;
    this.redraw(...LAYERS);
    this.onMove();
  }

  redraw(...layers: Layer[]): void {
    for (const layer of layers) this.#stale.add(layer);
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.draw());
  }

  /** Gives the place of an event, in CSS pixels from the top left of the view. */
  screenPoint({ clientX, clientY }: { clientX: number; clientY: number }): Point {
    const { left, top } = this.canvas.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  }

  /** Draws the layers that have changed. */
  draw(): void {
    for (const layer of this.#stale) this.#drawLayer(layer);
    this.#stale.clear();
  }

  #drawLayer(layer: Layer): void {
    const canvas = this.#canvases[layer];
    const context = canvas.getContext('2d')!;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.#photo) return;
    const { camera } = this;
    const scale = camera.scale * devicePixelRatio;
    context.setTransform(
      scale,
      0,
      0,
      scale,
      camera.x * devicePixelRatio,
      camera.y * devicePixelRatio,
    );
    const pen: Pen = { context, px: 1 / camera.scale, scale, visible: camera.visible() };
    if (layer === 'photo') {
      this.#photo.draw(context, scale, pen.visible);
      this.#result?.(pen);
    } else if (layer === 'masks') {
      if (!this.#result) drawMasks(pen, this.#overlay);
    } else {
      if (!this.#result) drawMarks(pen, this.#overlay, this.#photo);
      this.#tool(pen);
    }
  }

  #resize(): void {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (width === 0 || height === 0) return;
    for (const canvas of Object.values(this.#canvases)) {
      canvas.width = Math.round(width * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
    }
    this.camera.setView({ width, height });
    this.moved();
    // A canvas that gets a size is empty, so it is drawn before the next frame.
    this.draw();
  }
}
