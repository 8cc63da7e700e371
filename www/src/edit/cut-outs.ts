// The cut-out of the selection. It is made again when the selection or its edge changes, after the
// user has stopped changing it, and only while somebody looks at it or saves it.
import { type Box, cutOut, cutOutBox, type Matte } from 'aims-web';
import type { Jobs } from '../session/jobs.js';
import type { Session } from '../session/session.js';
import { Pyramid } from '../view/pyramid.js';
import type { Editor, Photo } from './editor.js';
import { matteOf, plainEdge } from './matte.js';
import type { EditState } from './state.js';

export interface CutOut {
  canvas: OffscreenCanvas;
  pyramid: Pyramid;
  /** Where the canvas lies in the photo. */
  box: Box;
  matte: Matte | undefined;
}

/** The pause after a change, in milliseconds, after which the cut-out is made. */
const PAUSE = 150;

export class CutOuts {
  readonly #editor: Editor;
  readonly #session: Session;
  readonly #jobs: Jobs;
  #made: { of: EditState; cutOut: CutOut } | undefined;
  /** The state for which the cut-out was cancelled or failed. It is not tried again by itself. */
  #gaveUp: EditState | undefined;
  /** The state for which the user may still change something. */
  #waiting: EditState | undefined;
  #making: { of: EditState; done: Promise<void> } | undefined;
  #timer = 0;

  constructor(parts: { editor: Editor; session: Session; jobs: Jobs }) {
    this.#editor = parts.editor;
    this.#session = parts.session;
    this.#jobs = parts.jobs;
  }

  /** The last cut-out, if it is of the selection that there is. Its edge may be of before. */
  get shown(): CutOut | undefined {
    const { selection } = this.#editor.state;
    return selection && this.#made?.of.selection === selection ? this.#made.cutOut : undefined;
  }

  /**
   * Makes the cut-out that the state asks for, if somebody looks at it and no other work goes on.
   */
  update(): void {
    const { state, previewing } = this.#editor;
    if (!previewing || !state.selection || this.#isOtherWorkGoingOn()) return;
    const known = [this.#made?.of, this.#gaveUp, this.#waiting, this.#making?.of];
    if (known.some((other) => other && isAlike(other, state))) return;
    this.#waiting = state;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.#waiting = undefined;
      if (!this.#isOtherWorkGoingOn()) void this.#make(state);
    }, PAUSE);
  }

  /** Gives the cut-out of the state, and makes it if needed. It is undefined if that fails. */
  async current(): Promise<CutOut | undefined> {
    const { state } = this.#editor;
    if (!state.selection) return undefined;
    clearTimeout(this.#timer);
    this.#waiting = undefined;
    if (!this.#made || !isAlike(this.#made.of, state)) await this.#make(state);
    return this.#made && isAlike(this.#made.of, state) ? this.#made.cutOut : undefined;
  }

  /** New work would end it. When it has ended by itself, `update` is called again. */
  #isOtherWorkGoingOn(): boolean {
    return this.#jobs.busy && !this.#making;
  }

  #make(state: EditState): Promise<void> {
    if (this.#making && isAlike(this.#making.of, state)) return this.#making.done;
    const done = this.#perform(state).finally(() => {
      if (this.#making?.done === done) this.#making = undefined;
      this.update();
    });
    this.#making = { of: state, done };
    return done;
  }

  async #perform(state: EditState): Promise<void> {
    const { photo } = this.#editor;
    if (!photo) return;
    const isPlain = state.edge.way === 'plain' && state.strokes.length === 0;
    if (isPlain) return this.#keep(state, cut(photo, state));
    // The mask's own edge is quick, so it is shown while the better one is being made.
    if (this.#editor.previewing && this.#made?.of.selection !== state.selection)
      this.#keep({ ...state, edge: { ...state.edge } }, cut(photo, state));
    const outcome = await this.#jobs.run(async (job) => {
      const refine = this.#session.refiner(photo.file, { rle: state.selection! }, job);
      this.#keep(state, cut(photo, state, await matteOf(state, photo.bitmap, refine)));
    });
    if (outcome === 'cancelled' || outcome === 'failed') this.#gaveUp = state;
  }

  #keep(of: EditState, cutOut: CutOut): void {
    this.#made?.cutOut.pyramid.close();
    this.#made = { of, cutOut };
    this.#editor.changed();
  }
}

function cut(photo: Photo, { selection, edge }: EditState, matte?: Matte): CutOut {
  const mask = { rle: selection! };
  const options = matte ? { matte } : plainEdge(edge);
  const canvas = cutOut(photo.bitmap, mask, options);
  return { canvas, pyramid: new Pyramid(canvas), box: cutOutBox(mask, options), matte };
}

/** Says whether two states have the same cut-out. */
const isAlike = (a: EditState, b: EditState): boolean =>
  a.selection === b.selection && a.edge === b.edge && a.strokes === b.strokes;
