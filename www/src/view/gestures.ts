// Tells apart what pointers do on the photo. One finger or button belongs to the tool. Two fingers,
// the middle button, or Space and the first button move the photo. The wheel zooms.
import type { At, Tool } from '../tools/tool.js';
import type { Point } from './camera.js';
import type { Viewport } from './viewport.js';

/** A press becomes a drag when the pointer has moved this far, in CSS pixels. */
const DRAG_DISTANCE = 5;
/** A press that lasts this long, in milliseconds, opens the menu. */
const LONG_PRESS = 500;
/** The zoom factor of one notch of a wheel, which most browsers report as 100 pixels. */
const ZOOM_PER_PIXEL = 1.0018;

interface Press {
  from: At;
  touch: boolean;
  state: 'still' | 'dragging' | 'panning' | 'done';
}

export class Gestures {
  readonly #viewport: Viewport;
  readonly #tool: () => Tool;
  readonly #pointers = new Map<number, Point>();
  #press: Press | undefined;
  #longPress = 0;
  #space = false;

  constructor(viewport: Viewport, tool: () => Tool) {
    this.#viewport = viewport;
    this.#tool = tool;
    const { canvas } = viewport;
    canvas.addEventListener('pointerdown', (event) => this.#onDown(event));
    canvas.addEventListener('pointermove', (event) => this.#onMove(event));
    canvas.addEventListener('pointerup', (event) => this.#onUp(event));
    canvas.addEventListener('pointercancel', (event) => this.#onCancel(event));
    canvas.addEventListener('pointerleave', (event) => this.#onLeave(event));
    canvas.addEventListener('dblclick', (event) => this.#tool().doubleClick?.(this.#at(event)));
    canvas.addEventListener('wheel', (event) => this.#onWheel(event), { passive: false });
    canvas.addEventListener('contextmenu', (event) => {
      event.preventDefault();
      // A long press has opened the menu already.
      if (!this.#press?.touch) this.#tool().menu?.(this.#at(event));
    });
    canvas.addEventListener('keydown', (event) => {
      if (event.code === 'Space') this.#holdSpace(true, event);
    });
    canvas.addEventListener('keyup', (event) => {
      if (event.code === 'Space') this.#holdSpace(false, event);
    });
    canvas.addEventListener('blur', () => this.#holdSpace(false));
  }

  /** Ends the drag without effect. Returns true if there was one. */
  cancel(): boolean {
    clearTimeout(this.#longPress);
    const dragged = this.#press?.state === 'dragging';
    if (dragged) this.#tool().cancel?.();
    if (this.#press) this.#press.state = 'done';
    return dragged;
  }

  #onDown(event: PointerEvent): void {
    if (!this.#viewport.photo || event.button > 1) return;
    const touch = event.pointerType !== 'mouse';
    this.#viewport.canvas.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#viewport.screenPoint(event));
    // A second finger takes the photo, and the tool drops what it was doing.
    if (this.#pointers.size > 1) return void this.cancel();
    const pans = event.button === 1 || this.#space;
    if (event.button === 1) event.preventDefault();
    // What is under the pointer does not matter while the photo moves.
    if (pans) this.#tool().hover?.(undefined);
    this.#press = { from: this.#at(event), touch, state: pans ? 'panning' : 'still' };
    if (touch && !pans) this.#longPress = window.setTimeout(() => this.#openMenu(), LONG_PRESS);
  }

  #onMove(event: PointerEvent): void {
    const to = this.#viewport.screenPoint(event);
    const before = this.#pointers.get(event.pointerId);
    if (!before) return this.#tool().hover?.(this.#at(event));
    if (this.#pointers.size === 2) return this.#pinch(event.pointerId, to);
    this.#pointers.set(event.pointerId, to);
    const press = this.#press;
    if (!press) return;
    if (press.state === 'still' && far(press.from.screen, to)) {
      clearTimeout(this.#longPress);
      press.state = press.touch && this.#tool().fingerPans ? 'panning' : 'dragging';
      if (press.state === 'dragging') this.#tool().start?.(press.from);
    }
    if (press.state === 'panning') this.#pan(to.x - before.x, to.y - before.y);
    if (press.state !== 'dragging') return;
    // Between two frames a pointer may have been at several places.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const moved of events.length > 0 ? events : [event]) this.#tool().drag?.(this.#at(moved));
  }

  #onUp(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
    clearTimeout(this.#longPress);
    const press = this.#press;
    if (this.#pointers.size > 0 || !press) return;
    this.#press = undefined;
    if (press.state === 'dragging') this.#tool().end?.(this.#at(event));
    if (press.state === 'still') this.#tool().click?.(press.from);
  }

  #onCancel(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
    this.cancel();
    this.#press = undefined;
  }

  #onLeave({ pointerType, clientX, clientY }: PointerEvent): void {
    // WebKit says this after each press too, although the mouse is still there.
    const isThere = document.elementFromPoint(clientX, clientY) === this.#viewport.canvas;
    if (pointerType !== 'mouse' || !isThere) this.#tool().hover?.(undefined);
  }

  #openMenu(): void {
    if (this.#press?.state !== 'still') return;
    this.#press.state = 'done';
    this.#tool().menu?.(this.#press.from);
  }

  /** Moves the photo with two fingers, so that both stay on the same places of the photo. */
  #pinch(moved: number, to: Point): void {
    const [first, second] = [...this.#pointers.values()] as [Point, Point];
    const before = { middle: middle(first, second), length: distance(first, second) };
    this.#pointers.set(moved, to);
    const [a, b] = [...this.#pointers.values()] as [Point, Point];
    const after = middle(a, b);
    const { camera } = this.#viewport;
    camera.pan(after.x - before.middle.x, after.y - before.middle.y);
    if (before.length > 0) camera.zoom(distance(a, b) / before.length, after);
    this.#viewport.moved();
  }

  #pan(dx: number, dy: number): void {
    this.#viewport.camera.pan(dx, dy);
    this.#viewport.moved();
  }

  #onWheel(event: WheelEvent): void {
    event.preventDefault();
    // Browsers report a turn with Shift as one sideways.
    const turned = event.deltaY || event.deltaX;
    if (event.altKey) return this.#tool().turn?.(turned < 0 ? 1 : -1, this.#at(event));
    const pixels = turned * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1);
    // A pinch on a touchpad comes as a wheel with Ctrl, in smaller steps.
    const factor = ZOOM_PER_PIXEL ** (-pixels * (event.ctrlKey ? 5 : 1));
    this.#viewport.camera.zoom(factor, this.#viewport.screenPoint(event));
    this.#viewport.moved();
  }

  #holdSpace(held: boolean, event?: KeyboardEvent): void {
    event?.preventDefault();
    this.#space = held;
    this.#viewport.canvas.classList.toggle('panning', held);
  }

  /** Gives the place of an event, with the point limited to the photo. */
  #at(event: MouseEvent): At {
    const screen = this.#viewport.screenPoint(event);
    const { x, y } = this.#viewport.camera.toPhoto(screen);
    const { width, height } = this.#viewport.photo ?? { width: 0, height: 0 };
    return {
      x: Math.min(width, Math.max(0, x)),
      y: Math.min(height, Math.max(0, y)),
      screen,
      shift: event.shiftKey,
      alt: event.altKey,
    };
  }
}

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);
const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
const far = (a: Point, b: Point): boolean => distance(a, b) >= DRAG_DISTANCE;
