// The photo with its masks, on two canvases. The photo is below and is drawn once. The masks are
// above and are drawn at every change.
import type { Box, Mask } from 'aims-web';
import { byId } from './dom.js';
import { colorOf, maskAt, pathOf } from './shapes.js';

/** A point, in pixels of the photo. */
export interface Point {
  x: number;
  y: number;
}

/** What is shown over the photo. */
export interface Overlay {
  masks: readonly Mask[];
  /** Entities that can be picked with Shift while other masks are shown. */
  others: readonly Mask[];
  /** The masks that were opened. The rest of the photo is dimmed. */
  opened: readonly Mask[];
  hovered: Mask | undefined;
  selected: Mask | undefined;
  /** The first of two entities that are picked. */
  picked: Mask | undefined;
  /** True to draw only outlines, because relations overlap a lot. */
  outlinesOnly: boolean;
}

export interface StageEvents {
  onHover: (mask: Mask | undefined) => void;
  onPick: (mask: Mask | undefined, second: boolean) => void;
  /** Called for a click outside all masks. */
  onPoint: (point: Point) => void;
  onBox: (box: Box) => void;
}

/** A press becomes a drag when the pointer has moved this far, in CSS pixels. */
const DRAG_DISTANCE = 6;

export class Stage {
  readonly #stage = byId('stage');
  readonly #frame = byId('canvases');
  readonly #photoCanvas = byId<HTMLCanvasElement>('photo');
  readonly #canvas = byId<HTMLCanvasElement>('overlay');
  readonly #events: StageEvents;
  #photo: ImageBitmap | undefined;
  #overlay: Overlay = {
    masks: [],
    others: [],
    opened: [],
    hovered: undefined,
    selected: undefined,
    picked: undefined,
    outlinesOnly: false,
  };
  #drag: { from: Point; to: Point; moved: boolean } | undefined;
  #redraw = 0;
  #boxTool = false;
  /** If true, clicks act as if Shift were held. */
  pairTool = false;

  constructor(events: StageEvents) {
    this.#events = events;
    new ResizeObserver(() => this.#resize()).observe(this.#frame);
    this.#canvas.addEventListener('pointermove', (event) => this.#onMove(event));
    this.#canvas.addEventListener('pointerdown', (event) => this.#onDown(event));
    this.#canvas.addEventListener('pointerup', (event) => this.#onUp(event));
    this.#canvas.addEventListener('pointercancel', () => this.cancelDrag());
    this.#canvas.addEventListener('pointerleave', () => this.#events.onHover(undefined));
    this.#canvas.addEventListener('keydown', (event) => this.#onKey(event));
  }

  set boxTool(on: boolean) {
    this.#boxTool = on;
    this.#canvas.classList.toggle('boxing', on);
  }

  show(photo: ImageBitmap | undefined): void {
    this.#photo = photo;
    this.#stage.classList.toggle('empty', !photo);
    if (photo) {
      this.#frame.style.aspectRatio = `${photo.width} / ${photo.height}`;
      // The photo is as wide as there is room, but its whole height must fit on the screen.
      this.#frame.style.maxWidth = `calc(74vh * ${photo.width / photo.height})`;
    }
    this.#resize();
  }

  update(overlay: Overlay): void {
    this.#overlay = overlay;
    this.#schedule();
  }

  /** Ends the drag. Returns true if there was one. */
  cancelDrag(): boolean {
    const dragged = this.#drag !== undefined;
    this.#drag = undefined;
    this.#schedule();
    return dragged;
  }

  #resize(): void {
    const { clientWidth, clientHeight } = this.#frame;
    if (!this.#photo || clientWidth === 0) return;
    for (const canvas of [this.#photoCanvas, this.#canvas]) {
      canvas.width = Math.round(clientWidth * devicePixelRatio);
      canvas.height = Math.round(clientHeight * devicePixelRatio);
    }
    const context = this.#photoCanvas.getContext('2d');
    if (context) context.imageSmoothingQuality = 'high';
    context?.drawImage(this.#photo, 0, 0, this.#photoCanvas.width, this.#photoCanvas.height);
    this.#schedule();
  }

  #schedule(): void {
    cancelAnimationFrame(this.#redraw);
    this.#redraw = requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    const context = this.#canvas.getContext('2d');
    if (!context || !this.#photo) return;
    const { masks, opened, hovered, selected, picked, outlinesOnly } = this.#overlay;
    const scale = this.#canvas.width / this.#photo.width;
    // One CSS pixel on the screen, in pixels of the photo.
    const px = devicePixelRatio / scale;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.lineJoin = 'round';

    if (opened.length > 0) this.#dimOutside(context, opened);
    const outline = (mask: Mask, style: string, width: number) => {
      context.strokeStyle = style;
      context.lineWidth = width * px;
      context.stroke(pathOf(mask));
    };
    for (const mask of [...masks].sort((a, b) => b.area - a.area)) {
      if (!outlinesOnly) {
        context.fillStyle = colorOf(mask, 0.36);
        context.fill(pathOf(mask));
      }
      outline(mask, colorOf(mask), 1.5);
    }
    if (selected) outline(selected, '#fff', 3);
    if (hovered) {
      context.fillStyle = colorOf(hovered, 0.55);
      context.fill(pathOf(hovered));
      outline(hovered, '#fff', 2);
    }
    if (picked) {
      outline(picked, '#000', 4);
      context.setLineDash([8 * px, 6 * px]);
      outline(picked, '#fff', 3);
      context.setLineDash([]);
    }
    if (this.#drag?.moved) this.#drawBox(context, boxBetween(this.#drag.from, this.#drag.to), px);
  }

  #dimOutside(context: CanvasRenderingContext2D, opened: readonly Mask[]): void {
    if (!this.#photo) return;
    const { width, height } = this.#photo;
    context.save();
    for (const mask of opened) {
      // Each mask clips away its inside. What is outside all of them remains.
      const outside = new Path2D();
      outside.rect(0, 0, width, height);
      outside.addPath(pathOf(mask));
      context.clip(outside, 'evenodd');
    }
    context.fillStyle = 'rgb(8 10 18 / 0.6)';
    context.fillRect(0, 0, width, height);
    context.restore();
  }

  #drawBox(context: CanvasRenderingContext2D, [x, y, width, height]: Box, px: number): void {
    context.fillStyle = 'rgb(255 255 255 / 0.18)';
    context.fillRect(x, y, width, height);
    context.strokeStyle = '#fff';
    context.lineWidth = 2 * px;
    context.setLineDash([6 * px, 4 * px]);
    context.strokeRect(x, y, width, height);
    context.setLineDash([]);
  }

  /** Gives the position of the pointer in pixels of the photo, limited to the photo. */
  #point(event: PointerEvent): Point {
    const { left, top, width, height } = this.#canvas.getBoundingClientRect();
    const photo = this.#photo ?? { width: 0, height: 0 };
    const along = (at: number, from: number, length: number, size: number) =>
      Math.min(size, Math.max(0, ((at - from) / length) * size));
    return {
      x: along(event.clientX, left, width, photo.width),
      y: along(event.clientY, top, height, photo.height),
    };
  }

  #maskUnder({ x, y }: Point, second: boolean): Mask | undefined {
    const { masks, others } = this.#overlay;
    return maskAt(second && others.length > 0 ? others : masks, x, y);
  }

  #onDown(event: PointerEvent): void {
    if (event.button !== 0 || !this.#photo) return;
    this.#drag = { from: this.#point(event), to: this.#point(event), moved: false };
    // A finger scrolls the page, unless the box tool is on.
    if (event.pointerType === 'mouse' || this.#boxTool)
      this.#canvas.setPointerCapture(event.pointerId);
  }

  #onMove(event: PointerEvent): void {
    const point = this.#point(event);
    const drag = this.#drag;
    if (drag && (event.pointerType === 'mouse' || this.#boxTool)) {
      drag.to = point;
      const { width } = this.#canvas.getBoundingClientRect();
      const travel =
        (Math.hypot(point.x - drag.from.x, point.y - drag.from.y) * width) /
        (this.#photo?.width ?? 1);
      drag.moved ||= travel >= DRAG_DISTANCE;
      if (drag.moved) return this.#schedule();
    }
    this.#events.onHover(this.#maskUnder(point, event.shiftKey || this.pairTool));
  }

  #onUp(event: PointerEvent): void {
    const drag = this.#drag;
    if (!drag) return;
    this.cancelDrag();
    const second = event.shiftKey || this.pairTool;
    if (!drag.moved) {
      const mask = this.#maskUnder(drag.from, second);
      return mask || second ? this.#events.onPick(mask, second) : this.#events.onPoint(drag.from);
    }
    const box = boxBetween(drag.from, this.#point(event));
    if (box[2] > 0 && box[3] > 0) this.#events.onBox(box);
  }

  #onKey(event: KeyboardEvent): void {
    const { masks, others, hovered } = this.#overlay;
    const second = event.shiftKey || this.pairTool;
    const reachable = [...(second && others.length > 0 ? others : masks)].sort(
      (a, b) => a.bbox[0] - b.bbox[0],
    );
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step && reachable.length > 0) {
      const at = hovered ? reachable.indexOf(hovered) : step > 0 ? -1 : 0;
      this.#events.onHover(reachable[(at + step + reachable.length) % reachable.length]);
    } else if (event.key === 'Enter' && hovered) {
      this.#events.onPick(hovered, second);
    } else return;
    event.preventDefault();
  }
}

/** Gives the box of whole pixels between two corners. */
function boxBetween(a: Point, b: Point): Box {
  const [left, top] = [Math.floor(Math.min(a.x, b.x)), Math.floor(Math.min(a.y, b.y))];
  return [left, top, Math.ceil(Math.max(a.x, b.x)) - left, Math.ceil(Math.max(a.y, b.y)) - top];
}
