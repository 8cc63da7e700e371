import { App } from './app.js';
import { byId } from './dom.js';
import { bindKeys } from './keys.js';
import { registerOffline } from './offline/register.js';
import { bindSheet } from './panels/sheet.js';
import { bindInputs, openSample } from './session/inputs.js';
import { bindSettings, readSettings } from './session/settings.js';

/** The photo that a visitor sees first. `?photo=` names another sample, or none. */
const FIRST = 'coffee';

const address = new URLSearchParams(location.search);
const settings = readSettings(address);
const form = byId<HTMLFormElement>('settings-form');

const app = new App(settings, () => {
  (form.elements.namedItem('device') as HTMLSelectElement).value = 'cpu';
  form.requestSubmit();
});
const open = (photo: Blob, name: string) => app.work.open(photo, name);
const fail = (error: unknown) => app.jobs.fail(error);

bindKeys(app);
bindSettings(form, settings, (next) => app.apply(next));
bindInputs(open, fail);
bindSheet();
registerOffline();

const first = address.get('photo') ?? FIRST;
app.work.start(first === 'none' ? undefined : () => openSample(first, open, fail));
