// What is selected, and what can be done with the selection as a whole.
import { growMask, rleArea, shrinkMask } from 'aims-web';
import { byId } from '../dom.js';
import type { Editor } from '../edit/editor.js';
import type { EditState } from '../edit/state.js';
import type { Work } from '../session/work.js';
import { shareOf, titleOf } from '../view/shapes.js';

export class SelectionPanel {
  readonly #editor: Editor;
  readonly #buttons: HTMLButtonElement[];
  #shown: EditState | undefined;

  constructor(editor: Editor, work: Work) {
    this.#editor = editor;
    const actions: Record<string, () => void> = {
      'select-open': () => {
        const { source, selection } = editor.state;
        if (selection) work.openMask(source ?? { rle: selection });
      },
      'select-invert': () => editor.invert(),
      'select-grow': () => this.grow(1),
      'select-shrink': () => this.grow(-1),
      'select-none': () => editor.deselect(),
    };
    this.#buttons = Object.entries(actions).map(([id, act]) => {
      const button = byId<HTMLButtonElement>(id);
      button.addEventListener('click', act);
      return button;
    });
  }

  /** Grows the selection by the amount in the panel, or shrinks it. */
  grow(sign: 1 | -1): void {
    const pixels = Number(byId<HTMLInputElement>('grow-by').value);
    this.#editor.reshape((rle) => (sign > 0 ? growMask(rle, pixels) : shrinkMask(rle, pixels)));
  }

  update(): void {
    const { state } = this.#editor;
    // Counting the pixels of a large photo at every movement of the pointer would be slow.
    if (state === this.#shown) return;
    this.#shown = state;
    const { selection, source } = state;
    for (const button of this.#buttons) button.disabled = !selection;
    byId('selected-title').textContent = source
      ? titleOf(source)
      : selection
        ? 'Selection'
        : 'Nothing selected';
    byId('selected-text').textContent = selection
      ? this.#describe()
      : 'Click a thing to select it.';
    const area = selection ? rleArea(selection) : 0;
    document.body.dataset.selected = String(area);
  }

  #describe(): string {
    const { selection, source } = this.#editor.state;
    const share = selection ? shareOf(rleArea(selection), selection.size) : '';
    return source ? `Score ${Math.round(100 * source.score)} %, ${share}` : share;
  }
}
