// A small picture of the selection that can be dragged to other programs and pages.
import { byId } from '../dom.js';
import type { Editor } from '../edit/editor.js';
import { boxOf, pathOf } from '../view/outlines.js';
import type { Exports } from './exports.js';

/** The longest side of the small picture, in CSS pixels. */
const SIDE = 96;

export class DragOut {
  readonly #editor: Editor;
  readonly #exports: Exports;
  readonly #handle = byId('drag-out');
  readonly #canvas = byId<HTMLCanvasElement>('thumbnail');
  #file: { of: unknown; png: File; url: string } | undefined;
  #drawn: unknown;

  constructor(editor: Editor, exports: Exports) {
    this.#editor = editor;
    this.#exports = exports;
    // A drag cannot wait for a file, so it is made as soon as the pointer comes near.
    this.#handle.addEventListener('pointerenter', () => {
      if (editor.state.selection) void this.#prepare().catch(() => {});
    });
    this.#handle.addEventListener('dragstart', (event) => this.#onDrag(event));
  }

  update(): void {
    const { state, photo } = this.#editor;
    this.#handle.hidden = !state.selection;
    this.#handle.dataset.ready = String(this.#file?.of === state);
    if (!state.selection || !photo || this.#drawn === state.selection) return;
    const mask = { rle: state.selection };
    const [left, top, width, height] = boxOf(mask);
    const scale = (SIDE * devicePixelRatio) / Math.max(width, height);
    const path = pathOf(mask, scale);
    if (!path) return;
    this.#drawn = state.selection;
    this.#canvas.width = Math.max(1, Math.round(width * scale));
    this.#canvas.height = Math.max(1, Math.round(height * scale));
    const context = this.#canvas.getContext('2d')!;
    context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
    context.clip(path);
    photo.pyramid.draw(context, scale, [left, top, width, height]);
  }

  async #prepare(): Promise<void> {
    const { state } = this.#editor;
    if (this.#file?.of === state) return;
    const blob = await this.#exports.cutOutPng();
    if (this.#file) URL.revokeObjectURL(this.#file.url);
    const png = new File([blob], this.#exports.cutOutName(), { type: 'image/png' });
    this.#file = { of: state, png, url: URL.createObjectURL(png) };
    this.#handle.dataset.ready = 'true';
  }

  #onDrag(event: DragEvent): void {
    const file = this.#file;
    if (!event.dataTransfer || !file || file.of !== this.#editor.state)
      return event.preventDefault();
    event.dataTransfer.effectAllowed = 'copy';
    event.dataTransfer.items.add(file.png);
    // Chromium makes a file of this in other programs.
    event.dataTransfer.setData('DownloadURL', `image/png:${file.png.name}:${file.url}`);
    event.dataTransfer.setDragImage(this.#canvas, 8, 8);
  }
}
