// The settings. They are also read from the page's address and kept there, for example
// ?device=cpu&size=512&mode=grid&points=8&queries=16&model=models/mine.safetensors
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
  /** The most queries in the mode 'learned'. If it is undefined, the package decides. */
  queries: number | undefined;
  /** The address of another model file than the package's default. */
  model: string | undefined;
}

const DEVICES = ['auto', 'webgpu', 'cpu'] as const;
const MODES = ['auto', 'learned', 'grid'] as const;
/** Input sizes are multiples of this, up to the largest one. */
const SIZE_STEP = 64;
const MAX_SIZE = 2048;
const MAX_POINTS = 64;
const MAX_QUERIES = 192;

export function readSettings(address: URLSearchParams): Settings {
  const pick = <T>(choices: readonly T[], text: string | null, fallback: T) =>
    choices.find((choice) => String(choice) === text) ?? fallback;
  const whole = (name: string, most: number, step = 1): number | undefined => {
    const value = Number(address.get(name));
    return value > 0 && value <= most && value % step === 0 ? value : undefined;
  };
  return {
    device: pick(DEVICES, address.get('device'), 'auto'),
    size: whole('size', MAX_SIZE, SIZE_STEP),
    mode: pick(MODES, address.get('mode'), 'auto'),
    points: whole('points', MAX_POINTS) ?? 16,
    queries: whole('queries', MAX_QUERIES),
    model: address.get('model') || undefined,
  };
}

function writeSettings(settings: Settings): void {
  const address = new URL(location.href);
  address.searchParams.set('device', settings.device);
  address.searchParams.set('mode', settings.mode);
  address.searchParams.set('points', String(settings.points));
  for (const name of ['size', 'queries', 'model'] as const) {
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
    // The form does not have the number of queries.
    const next = { ...readSettings(chosen), queries: settings.queries };
    writeSettings(next);
    onApply(next);
  });
}
