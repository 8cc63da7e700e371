// The settings. They are also read from the page's address and kept there, for example
// ?device=cpu&size=512&mode=grid&points=8&model=models/mine.safetensors
import type { Mode, SegmenterOptions } from 'aims-web';

export interface Settings {
  device: NonNullable<SegmenterOptions['device']>;
  /**
   * The input size, in pixels. If it is undefined, the model file says which size is best for the
   * device.
   */
  size: number | undefined;
  /** 'auto' uses the mode 'learned' if the model file has level decoders. */
  mode: Mode | 'auto';
  /** The number of points per side, for the mode 'grid'. */
  points: number;
  /** The address of another model file than the package's default. */
  model: string | undefined;
}

const DEVICES = ['auto', 'webgpu', 'cpu'] as const;
const MODES = ['auto', 'learned', 'grid'] as const;
const SIZES = [512, 640, 768, 1024] as const;
const MAX_POINTS = 64;

export function readSettings(address: URLSearchParams): Settings {
  const pick = <T>(choices: readonly T[], text: string | null, fallback: T) =>
    choices.find((choice) => String(choice) === text) ?? fallback;
  const points = Number(address.get('points'));
  return {
    device: pick(DEVICES, address.get('device'), 'auto'),
    size: pick<number | undefined>(SIZES, address.get('size'), undefined),
    mode: pick(MODES, address.get('mode'), 'auto'),
    points: Number.isInteger(points) && points >= 1 && points <= MAX_POINTS ? points : 16,
    model: address.get('model') || undefined,
  };
}

function writeSettings(settings: Settings): void {
  const address = new URL(location.href);
  address.searchParams.set('device', settings.device);
  address.searchParams.set('mode', settings.mode);
  address.searchParams.set('points', String(settings.points));
  for (const name of ['size', 'model'] as const) {
    if (settings[name]) address.searchParams.set(name, String(settings[name]));
    else address.searchParams.delete(name);
  }
  history.replaceState(null, '', address);
}

/** Shows the settings in the form. Calls back with new ones when the form is sent. */
export function bindSettings(
  form: HTMLFormElement,
  settings: Settings,
  onApply: (settings: Settings) => void,
): void {
  for (const name of ['model', 'device', 'size', 'mode', 'points'] as const) {
    const select = form.elements.namedItem(name) as HTMLSelectElement;
    const value = String(settings[name] ?? '');
    select.value = value;
    // The address may hold models and numbers of points that the form does not offer.
    if (select.value !== value) {
      select.add(new Option(value), 0);
      select.value = value;
    }
  }
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const chosen = new URLSearchParams(
      [...new FormData(form)].map(([name, value]) => [name, String(value)]),
    );
    const next = readSettings(chosen);
    writeSettings(next);
    onApply(next);
  });
}
