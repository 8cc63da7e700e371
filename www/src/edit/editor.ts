// The photo that is open, what the user has made of it, and the choices that are not part of that.
import { type HasRle, invertMask, type Level, type Mask, type Rle } from 'aims-web';
import { Pyramid } from '../view/pyramid.js';
import { History } from './history.js';
import { type Combine, combined } from './selection.js';
import { type EditState, firstState } from './state.js';
import { hasLevel, type Step } from './step.js';

export interface Photo {
  file: Blob;
  name: string;
  bitmap: ImageBitmap;
  pyramid: Pyramid;
}

/** A photo with all states of its editing. */
export interface Document {
  photo: Photo | undefined;
  history: History<EditState>;
}

export class Editor {
  #document: Document = { photo: undefined, history: new History(firstState(0)) };
  readonly #watchers: (() => void)[] = [];
  /** What a click would take. */
  hovered: HasRle | undefined;
  /** The first of two entities that are picked. */
  picked: Mask | undefined;
  /** What a new mask does to the selection if no key is held. */
  combine: Combine = 'new';
  /** True while the result is shown instead of the masks. */
  previewing = false;

  get document(): Document {
    return this.#document;
  }

  get photo(): Photo | undefined {
    return this.#document.photo;
  }

  get state(): EditState {
    return this.#document.history.present;
  }

  get step(): Step | undefined {
    return this.state.steps.at(-1);
  }

  /** Calls back after every change. */
  watch(watcher: () => void): void {
    this.#watchers.push(watcher);
  }

  changed(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Opens a photo. Its editing begins anew. */
  openPhoto(photo: Omit<Photo, 'pyramid'>): void {
    const longSide = Math.max(photo.bitmap.width, photo.bitmap.height);
    this.previewing = false;
    this.openDocument({
      photo: { ...photo, pyramid: new Pyramid(photo.bitmap) },
      history: new History(firstState(longSide)),
    });
  }

  openDocument(document: Document): void {
    this.#document = document;
    this.hovered = this.picked = undefined;
    this.changed();
  }

  /** Makes a step of the history; see `History.push` for the key. */
  edit(change: Partial<EditState>, key?: string): void {
    this.#document.history.push({ ...this.state, ...change }, key);
    this.changed();
  }

  /** Shows the first result of a photo. It cannot be undone, because nothing comes before it. */
  begin(step: Step): void {
    this.#document.history.replace({ ...this.state, steps: [step] });
    this.changed();
  }

  /** Ends a row of changes that count as one step. */
  seal(): void {
    this.#document.history.seal();
  }

  undo(): void {
    this.#walk('undo');
  }

  redo(): void {
    this.#walk('redo');
  }

  #walk(where: 'undo' | 'redo'): void {
    this.#document.history[where]();
    this.hovered = this.picked = undefined;
    this.changed();
  }

  hover(mask: HasRle | undefined): void {
    if (mask?.rle === this.hovered?.rle) return;
    this.hovered = mask;
    this.changed();
  }

  setLevel(level: Level): void {
    const { step } = this;
    if (!step || step.level === level || !hasLevel(step.scene, level)) return;
    this.hovered = undefined;
    this.edit({ steps: [...this.state.steps.slice(0, -1), { ...step, level }] });
  }

  /** Goes back to an earlier step. */
  back(depth: number): void {
    this.hovered = this.picked = undefined;
    this.edit({ steps: this.state.steps.slice(0, depth + 1) });
  }

  /** Takes a mask into the selection. The brushed edge belonged to the selection before. */
  select(mask: HasRle, how: Combine): void {
    const selection = combined(this.state.selection, mask.rle as Rle, how);
    const source = how === 'new' && 'level' in mask ? (mask as Mask) : undefined;
    const fresh = how === 'new' ? { strokes: [], offset: { x: 0, y: 0 } } : {};
    this.edit({ selection, source, ...fresh });
  }

  /** Changes the selection as a whole. */
  reshape(shape: (selection: Rle) => Rle): void {
    const { selection } = this.state;
    if (!selection) return;
    this.edit({ selection: combined(undefined, shape(selection), 'new'), source: undefined });
  }

  invert(): void {
    this.reshape(invertMask);
  }

  deselect(): void {
    if (this.state.selection)
      this.edit({ selection: undefined, source: undefined, strokes: [], offset: { x: 0, y: 0 } });
  }
}
