// The outlines of masks, at several levels of detail. Those of large masks are traced by a worker.
// Until one is there, the one that is most like it is used.
import { type Box, type HasRle, maskToPath2D, rleBox } from 'aims-web';
import type { OutlineRequest } from './outline-worker.js';

interface Shape {
  box: Box;
  /** The outlines, by how coarse they are. 0 is exact, and each coarser one is twice the last. */
  paths: Map<number, Path2D>;
  asked: Set<number>;
}

/** Masks whose box has fewer pixels are traced at once. */
const SMALL = 500_000;

const shapes = new WeakMap<object, Shape>();
/** What the worker has to do. It does the last one first, because that is in sight now. */
const queue: (OutlineRequest & { shape: Shape; coarse: number })[] = [];
let worker: Worker | undefined;
let working = false;
let onOutline: () => void = () => {};

/** Calls back when the worker has traced an outline. */
export function watchOutlines(watcher: () => void): void {
  onOutline = watcher;
}

function shapeOf({ rle }: HasRle): Shape {
  let shape = shapes.get(rle);
  if (!shape) shapes.set(rle, (shape = { box: rleBox(rle), paths: new Map(), asked: new Set() }));
  return shape;
}

export const boxOf = (mask: HasRle): Box => shapeOf(mask).box;

/**
 * Gives the outline of a mask for this many device pixels for each pixel of the photo. When they
 * are few, the outline has fewer corners, but it is off by half a device pixel at most. It is
 * undefined while the worker traces the first outline of the mask.
 */
export function pathOf(mask: HasRle, scale = Infinity): Path2D | undefined {
  const shape = shapeOf(mask);
  const coarse = scale >= 2 ? 0 : 2 ** Math.max(0, Math.floor(Math.log2(1 / scale)));
  const known = shape.paths.get(coarse);
  if (known) return known;
  const tolerance = coarse / 2;
  if (shape.box[2] * shape.box[3] < SMALL) {
    const path = maskToPath2D(mask, { tolerance });
    shape.paths.set(coarse, path);
    return path;
  }
  if (!shape.asked.has(coarse)) {
    shape.asked.add(coarse);
    queue.push({ rle: mask.rle, tolerance, shape, coarse });
    void work();
  }
  return nearest(shape, coarse);
}

function nearest({ paths }: Shape, coarse: number): Path2D | undefined {
  const distance = (other: number) => Math.abs(Math.log2((other || 0.5) / (coarse || 0.5)));
  const [best] = [...paths.keys()].sort((a, b) => distance(a) - distance(b));
  return best === undefined ? undefined : paths.get(best);
}

async function work(): Promise<void> {
  if (working) return;
  working = true;
  worker ??= new Worker(new URL('./outline-worker.ts', import.meta.url), { type: 'module' });
  for (let next = queue.pop(); next; next = queue.pop()) {
    const { shape, coarse, rle, tolerance } = next;
    shape.paths.set(coarse, new Path2D(await trace(worker, { rle, tolerance })));
    onOutline();
  }
  working = false;
}

const trace = (tracer: Worker, request: OutlineRequest): Promise<string> =>
  new Promise((resolve) => {
    tracer.addEventListener('message', ({ data }) => resolve(data), { once: true });
    tracer.postMessage(request);
  });
