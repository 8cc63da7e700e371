// On phones the panels are a sheet at the bottom. Its handle opens it, by a click or a drag.
import { byId } from '../dom.js';

/** A drag by this many CSS pixels opens or closes the sheet. */
const DRAG = 24;

export function bindSheet(): void {
  const panels = byId('panels');
  const handle = byId('sheet');
  const show = (open: boolean): void => {
    panels.classList.toggle('open', open);
    if (!open) panels.scrollTop = 0;
    handle.setAttribute('aria-expanded', String(open));
  };
  let from: number | undefined;
  let dragged = false;
  handle.addEventListener('pointerdown', (event) => {
    from = event.clientY;
    dragged = false;
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener('pointermove', ({ clientY }) => {
    if (from === undefined || Math.abs(clientY - from) < DRAG) return;
    dragged = true;
    show(clientY < from);
  });
  handle.addEventListener('pointerup', () => (from = undefined));
  handle.addEventListener('click', () => {
    if (!dragged) show(!panels.classList.contains('open'));
  });
}
