import type { Level } from 'aims-web';
import { App } from './app.js';
import { byId } from './dom.js';
import { bindInputs } from './inputs.js';
import { bindSettings, readSettings } from './settings.js';

const address = new URLSearchParams(location.search);
const settings = readSettings(address);
const form = byId<HTMLFormElement>('settings-form');

const app = new App(settings, () => {
  (form.elements.namedItem('device') as HTMLSelectElement).value = 'cpu';
  form.requestSubmit();
});

bindSettings(form, settings, (next) => app.apply(next));
bindInputs(
  (photo, name) => app.open(photo, name),
  (error) => app.fail(error),
);
byId('save-cutout').addEventListener('click', () => app.saveCutout());
byId('save-scene').addEventListener('click', () => app.saveScene());

function bindToggle(id: string, onToggle: (on: boolean) => void): void {
  const button = byId(id);
  button.addEventListener('click', () => {
    const on = button.getAttribute('aria-pressed') !== 'true';
    button.setAttribute('aria-pressed', String(on));
    onToggle(on);
  });
}
bindToggle('tool-pair', (on) => app.setPairTool(on));
bindToggle('tool-box', (on) => app.setBoxTool(on));

byId('levels').addEventListener('change', (event) =>
  app.setLevel((event.target as HTMLInputElement).value as Level),
);

const LEVEL_KEYS: Record<string, Level> = { '1': 'part', '2': 'entity', '3': 'relation' };
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLSelectElement)
    return;
  const level = LEVEL_KEYS[event.key];
  if (level) app.setLevel(level);
  else if (event.key === 'Escape') app.escape();
});

app.start();
