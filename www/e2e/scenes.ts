// Test cases with what the native program finds for them.
import { readFileSync } from 'node:fs';
import type { Box, Mode, Scene } from 'aims-web';

/** Points and boxes are in pixels of the photo; each point lies in the entity to click. */
export interface Case {
  name: string;
  device: 'cpu' | 'webgpu';
  photo: string;
  /** Otherwise the default. */
  model?: string;
  size: number;
  mode: Mode;
  /** For the mode 'grid'. */
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

const read = <T>(path: string) =>
  JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as T;

export const CASES = read<Case[]>('cases.json');

/** Made by golden.mjs. */
export const goldenOf = ({ name }: Case): Golden => read(`../../tests/golden/demo-${name}.json`);
