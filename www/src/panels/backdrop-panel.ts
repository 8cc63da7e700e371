// What the cut-out lies on, and whether the result is shown.
import { byId } from '../dom.js';
import type { Editor } from '../edit/editor.js';
import type { Backdrop } from '../edit/state.js';

export class BackdropPanel {
  readonly #editor: Editor;
  readonly #form = byId<HTMLFormElement>('backdrop');
  readonly #preview = byId<HTMLInputElement>('preview');
  readonly #blur = byId<HTMLInputElement>('blur');
  readonly #file = byId<HTMLInputElement>('backdrop-file');

  constructor(editor: Editor, onFailure: (error: unknown) => void) {
    this.#editor = editor;
    this.#preview.addEventListener('change', () => this.show(this.#preview.checked));
    this.#form.addEventListener('submit', (event) => event.preventDefault());
    this.#blur.addEventListener('input', () =>
      this.#set({ kind: 'blur', blur: Number(this.#blur.value) / 1000 }, 'blur'),
    );
    this.#blur.addEventListener('change', () => editor.seal());
    for (const radio of this.#radios())
      radio.addEventListener('click', () => {
        if (radio.value !== 'picture') this.#set({ kind: radio.value as Backdrop['kind'] });
        else this.#file.click();
      });
    this.#file.addEventListener('change', () => {
      const [file] = this.#file.files ?? [];
      this.#file.value = '';
      if (!file) return this.update();
      createImageBitmap(file).then((picture) => this.#set({ kind: 'picture', picture }), onFailure);
    });
    // Without a file, the picture that was there before stays.
    this.#file.addEventListener('cancel', () => this.update());
  }

  show(on: boolean): void {
    this.#editor.previewing = on;
    this.#editor.changed();
  }

  update(): void {
    const { state, previewing } = this.#editor;
    byId<HTMLFieldSetElement>('backdrop-fields').disabled = !state.selection;
    this.#preview.checked = previewing && state.selection !== undefined;
    document.body.dataset.preview = String(this.#preview.checked);
    for (const radio of this.#radios()) radio.checked = radio.value === state.backdrop.kind;
    this.#blur.value = String(Math.round(1000 * state.backdrop.blur));
    byId('blur-row').hidden = state.backdrop.kind !== 'blur';
    byId('put-back').hidden = state.offset.x === 0 && state.offset.y === 0;
  }

  #set(change: Partial<Backdrop>, key?: string): void {
    this.#editor.previewing = true;
    this.#editor.edit({ backdrop: { ...this.#editor.state.backdrop, ...change } }, key);
  }

  #radios(): NodeListOf<HTMLInputElement> {
    return this.#form.querySelectorAll<HTMLInputElement>('[name=kind]');
  }
}
