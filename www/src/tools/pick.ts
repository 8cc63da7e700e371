// Takes the mask under the pointer. A point has several answers, from a detail to the whole, and
// the user can go through them. A drag searches inside a box.
import type { Box, HasRle, Mask } from 'aims-web';
import { combineFor } from '../edit/selection.js';
import type { Point } from '../view/camera.js';
import type { Pen } from '../view/overlay.js';
import { masksAt, ofLevel } from '../view/shapes.js';
import { type Answers, answersAt, isSame } from './answers.js';
import { boxBetween, drawBox } from './box.js';
import type { Bench } from './options.js';
import { openPickMenu } from './pick-menu.js';
import type { At, Tool } from './tool.js';

/** The pointer must rest for this long, in milliseconds, before the network is asked. */
const REST = 120;
/** While the pointer is within this many CSS pixels, the answers stay. */
const NEAR = 4;

export class Pick implements Tool {
  readonly fingerPans = true;
  readonly #bench: Bench;
  #at: At | undefined;
  /** The answers at a place, once the user has asked for them. */
  #answers: (Answers & { at: At }) | undefined;
  #rest = 0;
  #corners: [Point, Point] | undefined;

  constructor(bench: Bench) {
    this.#bench = bench;
  }

  leave(): void {
    this.hover(undefined);
  }

  hover(at: At | undefined): void {
    this.#at = at;
    if (at && this.#answers && isNear(at, this.#answers.at)) return;
    this.#answers = undefined;
    clearTimeout(this.#rest);
    const { editor } = this.#bench;
    const mask = at && this.#maskAt(at);
    editor.hover(mask);
    // Outside all masks the network says what a click would take.
    if (at && !mask) this.#rest = window.setTimeout(() => void this.#hoverOutside(at), REST);
  }

  click(at: At): void {
    clearTimeout(this.#rest);
    const { editor, work } = this.#bench;
    const how = combineFor(at, editor.combine);
    const shown = this.#at && isNear(this.#at, at) ? editor.hovered : undefined;
    const mask = shown ?? this.#maskAt(at);
    if (mask) editor.select(mask, how);
    else work.ask({ kind: 'points', points: [{ x: at.x, y: at.y, label: 1 }] }, how);
  }

  /** The first of the two clicks has selected the mask. The second opens it. */
  doubleClick(): void {
    const { editor, work } = this.#bench;
    if (editor.state.source) work.openMask(editor.state.source);
  }

  menu(at: At): void {
    void openPickMenu(this.#bench, at);
  }

  turn(step: 1 | -1, at: At): void {
    this.#at = at;
    void this.#go(step);
  }

  key(event: KeyboardEvent): boolean {
    const { editor, work } = this.#bench;
    if (event.key === ']' || event.key === '[') void this.#go(event.key === ']' ? 1 : -1);
    else if (event.key === 'Enter' && editor.hovered)
      editor.select(
        editor.hovered,
        combineFor({ shift: event.shiftKey, alt: event.altKey }, editor.combine),
      );
    else if (event.key === 'o') {
      const mask = editor.hovered ?? editor.state.source ?? selectionOf(editor.state.selection);
      if (mask) work.openMask(mask);
    } else return walkMasks(this.#bench, event);
    return true;
  }

  start(at: At): void {
    this.#bench.editor.hover(undefined);
    this.#corners = [at, at];
  }

  drag(at: At): void {
    if (this.#corners) this.#corners[1] = at;
    this.#bench.viewport.redraw('overlay');
  }

  end(at: At): void {
    const box: Box | undefined = this.#corners && boxBetween(this.#corners[0], at);
    this.cancel();
    if (box && box[2] > 0 && box[3] > 0) this.#bench.work.openPrompt({ kind: 'box', box }, [], 1);
  }

  cancel(): void {
    this.#corners = undefined;
    this.#bench.viewport.redraw('overlay');
  }

  readonly draw = (pen: Pen): void => {
    if (this.#corners) drawBox(pen, boxBetween(...this.#corners));
  };

  #maskAt(at: Point): Mask | undefined {
    const { step } = this.#bench.editor;
    return step && masksAt(ofLevel(step.scene, step.level), at)[0];
  }

  async #hoverOutside(at: At): Promise<void> {
    const answers = await this.#bench.work.answers(at);
    if (this.#at === at) this.#bench.editor.hover(answers?.find(({ chosen }) => chosen));
  }

  /** Shows the next larger or smaller answer at the pointer. */
  async #go(step: 1 | -1): Promise<void> {
    const at = this.#at;
    if (!at) return;
    const { editor } = this.#bench;
    const before = editor.hovered;
    const { list, complete } = this.#answers ?? (await answersAt(this.#bench, at));
    // The pointer may have left while the network worked.
    if (!this.#at || !isNear(this.#at, at)) return;
    if (complete) this.#answers ??= { at, list, complete };
    const index = list.findIndex((answer) => before && isSame(answer, before)) + step;
    const next = list[Math.min(list.length - 1, Math.max(0, index))];
    if (next) editor.hover(next);
  }
}

const isNear = (a: At, b: At): boolean =>
  Math.hypot(a.screen.x - b.screen.x, a.screen.y - b.screen.y) <= NEAR;

const selectionOf = (rle: HasRle['rle'] | undefined): HasRle | undefined => rle && { rle };

/** Goes through the masks of the level from left to right with the arrow keys. */
export function walkMasks({ editor }: Bench, event: KeyboardEvent): boolean {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step || !editor.step) return false;
  const masks = ofLevel(editor.step.scene, editor.step.level).sort((a, b) => a.bbox[0] - b.bbox[0]);
  if (masks.length === 0) return false;
  const at = masks.findIndex(({ rle }) => rle === editor.hovered?.rle);
  const from = at < 0 && step < 0 ? 0 : at;
  editor.hover(masks[(from + step + masks.length) % masks.length]);
  return true;
}
