// Measures the package as a page uses it. With `?run` it starts at once, and `scripts/bench.mjs`
// reads the result from the page.
import { type Device, Segmenter } from 'aims-web';
import { byId } from './dom.js';

const SETTINGS = ['device', 'size', 'points', 'repeats'] as const;

/** The times, in milliseconds. Those of repeated runs are medians. */
interface Report {
  adapter: string;
  load: number;
  /** The first photo takes longer, because shaders are compiled. */
  firstImage: number;
  image: number;
  prompt: number;
  learned: number;
  grid: number;
}

const ROWS: [keyof Report, string][] = [
  ['load', 'Load the model (download or cache) and the device'],
  ['firstImage', 'First photo: decode and encode'],
  ['image', 'Photo: decode and encode'],
  ['prompt', 'One point'],
  ['learned', 'Whole photo, three levels'],
  ['grid', 'The same, mode grid'],
];

const form = byId<HTMLFormElement>('form');
const table = byId<HTMLTableElement>('table');
const status = byId('status');

async function time(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function median(repeats: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < repeats; i++) times.push(await time(work));
  times.sort((a, b) => a - b);
  const middle = times.length >> 1;
  return times.length % 2 ? times[middle]! : (times[middle - 1]! + times[middle]!) / 2;
}

function show<K extends keyof Report>(key: K, value: Report[K], report: Partial<Report>): void {
  report[key] = value;
  const label = ROWS.find(([name]) => name === key)?.[1];
  if (!label || typeof value !== 'number') return;
  const row = table.insertRow();
  row.insertCell().textContent = label;
  row.insertCell().textContent = `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
}

async function measure(settings: FormData): Promise<Report> {
  const number = (name: string) => Number(settings.get(name));
  const repeats = number('repeats');
  const report: Partial<Report> = {};
  table.replaceChildren();
  const onProgress = ({ stage, fraction }: { stage: string; fraction: number }) => {
    status.textContent = `${stage} ${(fraction * 100).toFixed(0)} %`;
  };
  const photo = await (await fetch('samples/astronaut.jpg')).blob();

  let segmenter!: Segmenter;
  const create = async () => {
    segmenter = await Segmenter.create({
      device: settings.get('device') as 'auto' | Device,
      inputSize: number('size'),
      onProgress,
    });
  };
  show('load', await time(create), report);
  try {
    show('adapter', segmenter.adapter.name, report);
    const once = async () => (await segmenter.setImage(photo, { onProgress })).close();
    show('firstImage', await time(once), report);
    show('image', await median(repeats, once), report);
    const image = await segmenter.setImage(photo, { onProgress });
    const point = { x: image.width / 2, y: image.height / 2, label: 1 as const };
    const prompt = () => image.segment({ prompt: { kind: 'points', points: [point] } });
    await prompt();
    show('prompt', await median(repeats, prompt), report);
    const options = { pointsPerSide: number('points') };
    show(
      'learned',
      await median(repeats, () => image.segment({ mode: 'learned', onProgress })),
      report,
    );
    show(
      'grid',
      await median(repeats, () => image.segment({ mode: 'grid', grid: options, onProgress })),
      report,
    );
  } finally {
    segmenter.close();
  }
  return report as Report;
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button')!;
  button.disabled = true;
  document.body.dataset.state = 'running';
  try {
    const report = await measure(new FormData(form));
    status.textContent = report.adapter;
    document.body.dataset.report = JSON.stringify(report);
    document.body.dataset.state = 'done';
  } catch (error) {
    status.textContent = error instanceof Error ? error.message : String(error);
    document.body.dataset.state = 'failed';
  }
  button.disabled = false;
});

const address = new URLSearchParams(location.search);
for (const name of SETTINGS) {
  const value = address.get(name);
  if (value !== null) (form.elements.namedItem(name) as HTMLInputElement).value = value;
}
if (address.has('run')) form.requestSubmit();
