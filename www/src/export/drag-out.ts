// A small picture of the selection that can be dragged to other programs and pages.
import { byId } from '../dom.js';
import type { CutOuts } from '../edit/cut-outs.js';
import type { Editor } from '../edit/editor.js';
import { boxOf, pathOf } from '../view/shapes.js';
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

  constructor(editor: Editor, exports: Exports, cutOuts: CutOuts) {
    this.#editor = editor;
    this.#exports = exports;
    // A drag cannot wait for a file, so it is made as soon as the pointer comes near.
    for (const type of ['pointerenter', 'focus'])
      this.#handle.addEventListener(type, () => {
        if (editor.state.selection) void this.#prepare().catch(() => {});
      });
    this.#handle.addEventListener('dragstart', (event) => this.#onDrag(event));
    this.#handle.addEventListener('dragend', () => cutOuts.update());
  }

  update(): void {
    const { state, photo } = this.#editor;
    this.#handle.hidden = !state.selection;
    if (!state.selection || !photo || this.#drawn === state.selection) return;
    this.#drawn = state.selection;
    const mask = { rle: state.selection };
    const [left, top, width, height] = boxOf(mask);
    const scale = (SIDE * devicePixelRatio) / Math.max(width, height);
    this.#canvas.width = Math.max(1, Math.round(width * scale));
    this.#canvas.height = Math.max(1, Math.round(height * scale));
    const context = this.#canvas.getContext('2d')!;
    context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
    context.clip(pathOf(mask, scale));
    photo.pyramid.draw(context, scale, [left, top, width, height]);
  }

  async #prepare(): Promise<void> {
    const { state } = this.#editor;
    if (this.#file?.of === state) return;
    const blob = await this.#exports.cutOutPng();
    if (this.#file) URL.revokeObjectURL(this.#file.url);
    const png = new File([blob], this.#exports.cutOutName(), { type: 'image/png' });
    this.#file = { of: state, png, url: URL.createObjectURL(png) };
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
