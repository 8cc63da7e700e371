// Measures the package as a page uses it. With `?run` it starts at once, and `scripts/bench.mjs`
// reads the result from the page.
import { type Device, encodeRle, type HasRle, Segmenter } from 'aims-web';
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
  quickEdge: number;
  carefulEdge: number;
  cleanEdge: number;
}

const ROWS: [keyof Report, string][] = [
  ['load', 'Load the model (download or cache) and the device'],
  ['firstImage', 'First photo: decode and encode'],
  ['image', 'Photo: decode and encode'],
  ['prompt', 'One point'],
  ['learned', 'Whole photo, three levels'],
  ['grid', 'The same, mode grid'],
  ['quickEdge', 'Edge of a mask on 12 megapixels, quick'],
  ['carefulEdge', 'The same, careful'],
  ['cleanEdge', 'Quick, with clean colours'],
];

/** The size of the photo whose edges are refined: 12 megapixels. */
const [WIDTH, HEIGHT] = [4000, 3000];
/** The band around the mask's edge has this share of the photo. */
const BAND = 0.05;

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

async function enlarged(photo: Blob): Promise<Blob> {
  const canvas = new OffscreenCanvas(WIDTH, HEIGHT);
  const bitmap = await createImageBitmap(photo);
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0, WIDTH, HEIGHT);
  bitmap.close();
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 });
}

/** Makes a disc in the middle of the photo, and the radius with which its band has its share. */
function disc(): { mask: HasRle; radius: number } {
  const reach = HEIGHT / 4;
  const bits = new Uint8Array(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++)
      if (Math.hypot(x - WIDTH / 2, y - HEIGHT / 2) < reach) bits[y * WIDTH + x] = 1;
  const radius = (BAND * WIDTH * HEIGHT) / (2 * 2 * Math.PI * reach);
  return { mask: { rle: encodeRle(bits, WIDTH, HEIGHT) }, radius };
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
    image.close();
    await measureEdges(segmenter, photo, repeats, report);
  } finally {
    segmenter.close();
  }
  return report as Report;
}

async function measureEdges(
  segmenter: Segmenter,
  photo: Blob,
  repeats: number,
  report: Partial<Report>,
): Promise<void> {
  status.textContent = 'edges';
  const image = await segmenter.setImage(await enlarged(photo));
  const { mask, radius } = disc();
  const refine = (hair: boolean, colors: 'photo' | 'clean') => () =>
    image.refine(mask, { radius, hair, colors, zoom: false });
  // The first call decodes the photo.
  await refine(false, 'photo')();
  show('quickEdge', await median(repeats, refine(false, 'photo')), report);
  show('carefulEdge', await median(repeats, refine(true, 'photo')), report);
  show('cleanEdge', await median(repeats, refine(false, 'clean')), report);
  image.close();
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
