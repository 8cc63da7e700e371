// What is around the photo and follows the state: the device, the steps, the levels and the
// selected mask.
import type { Adapter, Level, Mask } from 'aims-web';
import { byId } from './dom.js';
import { describe, titleOf } from './shapes.js';
import { hasLevel, type View } from './view.js';

export class Panel {
  readonly #trail = byId('trail');
  readonly #events: { onStep: (depth: number) => void; onFind: () => void };

  constructor(events: { onStep: (depth: number) => void; onFind: () => void }) {
    this.#events = events;
  }

  showAdapter({ device, name, software, reason }: Adapter): void {
    const badge = byId('device');
    badge.textContent = `${device === 'webgpu' ? 'WebGPU' : 'CPU'}${software ? ' (software)' : ''}`;
    badge.title = `${reason} (${name})`;
    byId('device-reason').textContent = reason;
    document.body.dataset.device = device;
  }

  /**
   * Updates everything. `waiting` says why a photo has no masks yet: they are being found, or the
   * work was cancelled.
   */
  update(
    trail: readonly View[],
    selected: Mask | undefined,
    waiting: 'busy' | 'cancelled' | undefined,
  ): void {
    const view = trail.at(-1);
    this.#showTrail(trail, waiting);
    document.body.dataset.view = view?.prompt.kind ?? 'none';
    for (const input of document.querySelectorAll<HTMLInputElement>('#levels input')) {
      const level = input.value as Level;
      input.disabled = !view || !hasLevel(view.scene, level);
      if (view) input.checked = level === view.level;
    }
    byId('selected-title').textContent = selected ? titleOf(selected) : 'Nothing selected';
    byId('selected-text').textContent =
      selected && view ? describe(selected, view.scene) : 'Click a mask to select it.';
    byId<HTMLButtonElement>('save-cutout').disabled = !selected;
    byId<HTMLButtonElement>('save-scene').disabled = !view;
  }

  #showTrail(trail: readonly View[], waiting: 'busy' | 'cancelled' | undefined): void {
    const key = [...trail.map(({ title }) => title), waiting].join('\n');
    // Rebuilding the list would take the focus away.
    if (this.#trail.dataset.key === key) return;
    this.#trail.dataset.key = key;
    const steps: HTMLElement[] = trail
      .slice(0, -1)
      .map(({ title }, depth) => button(title, () => this.#events.onStep(depth)));
    const last = trail.at(-1);
    if (last) steps.push(here(last.title));
    else if (waiting) steps.push(here('Photo'));
    if (waiting === 'cancelled') steps.push(button('Find masks', this.#events.onFind));
    this.#trail.replaceChildren(
      ...steps.map((step) => {
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
