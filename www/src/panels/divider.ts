// The line between the photo before and the result after. It can be dragged, and moved with keys.
import { byId } from '../dom.js';

/** A press of an arrow key moves the line by this share of the view's width. */
const STEP = 0.02;

export class Divider {
  readonly #element = byId('divider');
  readonly #view: HTMLElement;
  readonly #onMove: () => void;
  /** The place of the line, from 0 at the left of the view to 1. */
  #place = 0;

  constructor(view: HTMLElement, onMove: () => void) {
    this.#view = view;
    this.#onMove = onMove;
    this.#element.addEventListener('pointerdown', (event) =>
      this.#element.setPointerCapture(event.pointerId),
    );
    this.#element.addEventListener('pointermove', (event) => {
      if (!this.#element.hasPointerCapture(event.pointerId)) return;
      const { left, width } = view.getBoundingClientRect();
      this.move((event.clientX - left) / width);
    });
    this.#element.addEventListener('keydown', (event) => {
      const by = { ArrowLeft: -STEP, ArrowRight: STEP, Home: -1, End: 1 }[event.key];
      if (by === undefined) return;
      event.preventDefault();
      this.move(this.#place + by);
    });
    this.move(0.5);
  }

  /** The place of the line, in CSS pixels from the left of the view. */
  get line(): number {
    return this.#place * this.#view.clientWidth;
  }

  show(on: boolean): void {
    this.#element.hidden = !on;
  }

  move(place: number): void {
    this.#place = Math.min(1, Math.max(0, place));
    this.#element.style.left = `${100 * this.#place}%`;
    this.#element.setAttribute('aria-valuenow', String(Math.round(100 * this.#place)));
    this.#onMove();
  }
}
