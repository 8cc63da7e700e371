// The keys that work everywhere on the page.
import type { Level } from 'aims-web';
import type { App } from './app.js';
import { hasLevel } from './edit/step.js';
import { TOOL_KEYS } from './tools/toolbox.js';

const LEVELS: readonly Level[] = ['part', 'entity', 'relation'];

export function bindKeys(app: App): void {
  addEventListener('keydown', (event) => {
    const { target } = event;
    // An open menu has the keys.
    if (document.querySelector(':popover-open')) return;
    const types = target instanceof HTMLSelectElement || isText(target);
    if (types && event.key !== 'Escape') return;
    const handled =
      event.ctrlKey || event.metaKey ? withControl(app, event) : plain(app, event, target);
    if (handled) event.preventDefault();
  });
}

const isText = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement && target.type === 'number';

function withControl({ editor, exports, viewport }: App, event: KeyboardEvent): boolean {
  const arrow = ARROWS[event.key];
  if (arrow) {
    viewport.camera.pan(...arrow);
    viewport.moved();
    return true;
  }
  switch (event.key.toLowerCase()) {
    case 'z':
      event.shiftKey ? editor.redo() : editor.undo();
      return true;
    case 'y':
      editor.redo();
      return true;
    case 'd':
      editor.deselect();
      return true;
    case 'c':
      exports.copy();
      return true;
    default:
      return false;
  }
}

/** How far Ctrl and an arrow key move the photo, in CSS pixels. */
const PAN = 80;
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [PAN, 0],
  ArrowRight: [-PAN, 0],
  ArrowUp: [0, PAN],
  ArrowDown: [0, -PAN],
};

function plain(app: App, event: KeyboardEvent, target: EventTarget | null): boolean {
  const { editor, toolbox, zoomBar, selectionPanel, backdropPanel, viewport } = app;
  const key = event.key.toLowerCase();
  const tool = TOOL_KEYS[key];
  const actions: Record<string, () => void> = {
    escape: () => app.escape(),
    '0': () => zoomBar.fit(),
    '1': () => zoomBar.full(),
    '+': () => zoomBar.zoom(1),
    '=': () => zoomBar.zoom(1),
    '-': () => zoomBar.zoom(-1),
    ',': () => stepLevel(app, -1),
    '.': () => stepLevel(app, 1),
    i: () => editor.invert(),
    g: () => selectionPanel.grow(event.shiftKey ? -1 : 1),
    c: () => backdropPanel.show(!editor.previewing),
  };
  if (tool) toolbox.use(tool);
  else if (actions[key]) actions[key]();
  // All other keys belong to the tool, if the photo or nothing has the focus.
  else if (target !== viewport.canvas && target !== document.body) return false;
  else return toolbox.tool.key?.(event) ?? false;
  return true;
}

/** Goes to the next level that has masks. */
function stepLevel({ editor }: App, by: 1 | -1): void {
  const { step } = editor;
  if (!step) return;
  const shown = LEVELS.filter((level) => level === step.level || hasLevel(step.scene, level));
  const next = shown[shown.indexOf(step.level) + by];
  if (next) editor.setLevel(next);
}
