// The edge of the selection: the way it is found, and the settings of that way.
import { byId } from '../dom.js';
import type { Editor } from '../edit/editor.js';
import type { EdgeSettings } from '../edit/state.js';

/** Sliders that set a number of pixels. */
const SLIDERS = ['radius', 'feather', 'shift'] as const;

export class EdgePanel {
  readonly #editor: Editor;
  readonly #form = byId<HTMLFormElement>('edge');

  constructor(editor: Editor) {
    this.#editor = editor;
    this.#form.addEventListener('input', (event) => {
      const { name } = event.target as HTMLInputElement;
      // While a slider is dragged, all its values are one step of the history.
      this.#set(
        this.#read(),
        SLIDERS.some((slider) => slider === name) ? `edge ${name}` : undefined,
      );
    });
    this.#form.addEventListener('change', () => editor.seal());
    this.#form.addEventListener('submit', (event) => event.preventDefault());
    byId('edge-unbrush').addEventListener('click', () => editor.edit({ strokes: [] }));
  }

  update(): void {
    const { edge, selection, strokes } = this.#editor.state;
    byId<HTMLFieldSetElement>('edge-fields').disabled = !selection;
    byId('edge-unbrush').hidden = strokes.length === 0;
    this.#form.dataset.way = edge.way;
    this.#radio(edge.way).checked = true;
    this.#input('clean').checked = edge.clean;
    for (const name of SLIDERS) {
      this.#input(name).value = String(edge[name]);
      byId(`${name}-value`).textContent = `${edge[name]} px`;
    }
  }

  #set(edge: EdgeSettings, key: string | undefined): void {
    this.#editor.previewing = true;
    this.#editor.edit({ edge }, key);
  }

  #read(): EdgeSettings {
    const number = (name: string) => Number(this.#input(name).value);
    return {
      way: (new FormData(this.#form).get('way') ?? 'plain') as EdgeSettings['way'],
      radius: number('radius'),
      feather: number('feather'),
      shift: number('shift'),
      clean: this.#input('clean').checked,
    };
  }

  #input(name: string): HTMLInputElement {
    return this.#form.elements.namedItem(name) as HTMLInputElement;
  }

  #radio(way: string): HTMLInputElement {
    return this.#form.querySelector<HTMLInputElement>(`[name=way][value=${way}]`)!;
  }
}
