// The steps from the whole photo to what is shown, and the levels of the last step.
import type { Level } from 'aims-web';
import { byId } from '../dom.js';
import type { Editor } from '../edit/editor.js';
import { hasLevel, type Step } from '../edit/step.js';

/** Says why a photo has no masks yet: they are being found, or the work was cancelled. */
export type Waiting = 'busy' | 'cancelled' | undefined;

export class Trail {
  readonly #trail = byId('trail');
  readonly #editor: Editor;
  readonly #onFind: () => void;

  constructor(editor: Editor, onFind: () => void) {
    this.#editor = editor;
    this.#onFind = onFind;
    byId('levels').addEventListener('change', (event) =>
      editor.setLevel((event.target as HTMLInputElement).value as Level),
    );
  }

  update(waiting: Waiting): void {
    const { step, state } = this.#editor;
    this.#showSteps(state.steps, waiting);
    document.body.dataset.view = step?.prompt.kind ?? 'none';
    for (const input of document.querySelectorAll<HTMLInputElement>('#levels input')) {
      const level = input.value as Level;
      input.disabled = !step || !hasLevel(step.scene, level);
      if (step) input.checked = level === step.level;
    }
  }

  #showSteps(steps: readonly Step[], waiting: Waiting): void {
    const key = [...steps.map(({ title }) => title), waiting].join('\n');
    // Rebuilding the list would take the focus away.
    if (this.#trail.dataset.key === key) return;
    this.#trail.dataset.key = key;
    const items: HTMLElement[] = steps
      .slice(0, -1)
      .map(({ title }, depth) => button(title, () => this.#editor.back(depth)));
    const last = steps.at(-1);
    if (last) items.push(here(last.title));
    else if (waiting) items.push(here('Photo'));
    if (waiting === 'cancelled') items.push(button('Find masks', this.#onFind));
    this.#trail.replaceChildren(
      ...items.map((step) => {
        const item = document.createElement('li');
        item.append(step);
        return item;
      }),
    );
  }
}

function here(text: string): HTMLElement {
  const element = document.createElement('span');
  element.textContent = text;
  element.setAttribute('aria-current', 'page');
  return element;
}

function button(text: string, onClick: () => void): HTMLButtonElement {
  const element = document.createElement('button');
  element.type = 'button';
  element.textContent = text;
  element.addEventListener('click', onClick);
  return element;
}
