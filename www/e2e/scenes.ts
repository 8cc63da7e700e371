// The test cases, and what the native program finds for them.
import { readFileSync } from 'node:fs';
import type { Box, Mode, Scene } from 'aims-web';

/**
 * A test case. Points and boxes are in pixels of the photo. Each point is inside the entity to
 * click.
 */
export interface Case {
  name: string;
  device: 'cpu' | 'webgpu';
  photo: string;
  /** The model file. If it is missing, the default model is used. */
  model?: string;
  size: number;
  mode: Mode;
  /** The number of points per side, for the mode 'grid'. */
  points: number;
  entity: [x: number, y: number];
  second: [x: number, y: number];
  box: Box;
  /**
   * True if no relation is found in the whole photo. In the mode 'grid' the native program finds one
   * with a mask near the threshold, which browsers that round the network's inputs miss.
   */
  unrelated?: boolean;
}

/** What the native program finds for the prompts that the test gives in the page. */
export interface Golden {
  full: Scene;
  entity: Scene;
  entities: Scene;
  box: Scene;
}

const read = <T>(path: string) =>
  JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as T;

export const CASES = read<Case[]>('cases.json');

/** Reads the scenes that golden.mjs has written. */
export const goldenOf = ({ name }: Case): Golden => read(`../../tests/golden/demo-${name}.json`);
