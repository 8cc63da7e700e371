// The menu of all answers at a point: a list from the smallest to the largest.
import { type HasRle, rleArea } from 'aims-web';
import { byId } from '../dom.js';
import { shareOf, titleOf } from '../view/shapes.js';
import { answersAt, isSame } from './answers.js';
import type { Bench } from './options.js';
import type { At } from './tool.js';

/** Opens the menu where the pointer is. It waits for the network's answers. */
export async function openPickMenu(bench: Bench, at: At): Promise<void> {
  const { list: answers } = await answersAt(bench, at);
  if (answers.length === 0) return;
  const menu = byId('pick-menu');
  menu.replaceChildren(...answers.map((answer) => entry(bench, menu, answer)));
  menu.showPopover();
  // The browser's own rule would close the menu when the finger that opened it is lifted.
  const close = (event: PointerEvent) => {
    if (event.target instanceof Node && menu.contains(event.target)) return;
    menu.hidePopover();
  };
  addEventListener('pointerdown', close);
  menu.addEventListener('toggle', () => removeEventListener('pointerdown', close), { once: true });
  const view = bench.viewport.element.getBoundingClientRect();
  const within = (place: number, length: number, room: number) =>
    Math.max(8, Math.min(place, room - length - 8));
  menu.style.left = `${within(view.left + at.screen.x + 8, menu.offsetWidth, innerWidth)}px`;
  menu.style.top = `${within(view.top + at.screen.y + 8, menu.offsetHeight, innerHeight)}px`;
  const { hovered } = bench.editor;
  const shown = answers.findIndex((answer) => hovered && isSame(answer, hovered));
  (menu.children[Math.max(0, shown)] as HTMLElement).focus();
}

function entry({ editor }: Bench, menu: HTMLElement, answer: HasRle): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.role = 'menuitem';
  const title = 'level' in answer ? titleOf(answer as Parameters<typeof titleOf>[0]) : 'Area';
  button.textContent = `${title}, ${shareOf(rleArea(answer.rle), answer.rle.size)}`;
  button.addEventListener('focus', () => editor.hover(answer));
  button.addEventListener('pointerenter', () => button.focus());
  button.addEventListener('click', () => {
    menu.hidePopover();
    editor.select(answer, editor.combine);
  });
  button.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') menu.hidePopover();
    const next = event.key === 'ArrowDown' ? button.nextElementSibling : undefined;
    const other = event.key === 'ArrowUp' ? button.previousElementSibling : next;
    if (!(other instanceof HTMLElement)) return;
    event.preventDefault();
    other.focus();
  });
  return button;
}
