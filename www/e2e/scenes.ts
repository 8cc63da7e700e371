// Test cases with what the native program finds for them, and the comparison of masks by intersection over union.
import { readFileSync } from 'node:fs';
import { type Box, type Level, type Mask, type Mode, type Scene, decodeRle } from 'aims-web';

/** Points and boxes are in pixels of the photo; each point lies in the entity to click. */
export interface Case {
  name: string;
  device: 'cpu' | 'webgpu';
  photo: string;
  /** Otherwise the default. */
  model?: string;
  size: number;
  mode: Mode;
  /** For the mode 'thorough'. */
  points: number;
  entity: [x: number, y: number];
  second: [x: number, y: number];
  box: Box;
  /** Whether the model finds no relation in the whole photo. */
  unrelated?: boolean;
}

/** The native program's answers to the prompts that the test gives in the page. */
export interface Golden {
  full: Scene;
  entity: Scene;
  entities: Scene;
  box: Scene;
}

const read = <T>(path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as T;

export const CASES = read<Case[]>('cases.json');

/** Made by golden.mjs. */
export const goldenOf = ({ name }: Case): Golden => read(`../../tests/golden/demo-${name}.json`);

/** Masks of one level in `expected`, scored at least `minScore`, that no mask of `found` covers with `minIou`. */
export function missing(expected: Scene, found: Scene, level: Level, minScore: number, minIou = 0.9): string[] {
  const candidates = found.masks.filter((mask) => mask.level === level);
  return expected.masks
    .filter((mask) => mask.level === level && mask.score >= minScore)
    .map((mask) => ({ mask, best: Math.max(0, ...candidates.map((candidate) => iou(mask, candidate))) }))
    .filter(({ best }) => best < minIou)
    .map(({ mask, best }) => `${level} ${mask.id} (score ${mask.score.toFixed(3)}, area ${mask.area}): best IoU ${best.toFixed(3)}`);
}

export function iou(a: Mask, b: Mask): number {
  // Cheap bound: an intersection is no larger than the smaller mask.
  if (Math.min(a.area, b.area) < 0.5 * Math.max(a.area, b.area)) return 0;
  const [inA, inB] = [pixelsOf(a), pixelsOf(b)];
  let both = 0;
  inA.forEach((inside, index) => (both += inside & (inB[index] ?? 0)));
  return both / (a.area + b.area - both);
}

const decoded = new WeakMap<Mask, Uint8Array>();

function pixelsOf(mask: Mask): Uint8Array {
  let pixels = decoded.get(mask);
  if (!pixels) decoded.set(mask, (pixels = decodeRle(mask.rle)));
  return pixels;
}
