// What the user has made of a photo. States never change; each edit makes a new one.
import type { Mask, Rle } from 'aims-web';
import type { Point } from '../view/camera.js';
import type { Step } from './step.js';

/** How the edge of the selection becomes transparent. */
export interface EdgeSettings {
  /**
   * 'plain' softens and moves the mask's own edge. The others follow the photo: 'quick' with a
   * guided filter, 'careful' with closed-form matting, which finds hair.
   */
  way: 'plain' | 'quick' | 'careful';
  /** How far the true edge may be from the mask's, in pixels of the photo. */
  radius: number;
  feather: number;
  shift: number;
  /** True if soft pixels get the subject's own colours. */
  clean: boolean;
}

/** A stroke of the edge brush. Where it is, the edge is found with the careful way. */
export interface EdgeStroke {
  points: readonly Point[];
  /** Half its width, in pixels of the photo. */
  radius: number;
}

/** What the cut-out lies on. */
export interface Backdrop {
  kind: 'checker' | 'black' | 'white' | 'blur' | 'picture';
  /** How far the photo is blurred, as a share of its long side. */
  blur: number;
  picture: ImageBitmap | undefined;
}

export interface EditState {
  /** The steps from the whole photo to what is shown. */
  readonly steps: readonly Step[];
  readonly selection: Rle | undefined;
  /** The mask that the selection was taken from, if it was not changed since. */
  readonly source: Mask | undefined;
  readonly edge: EdgeSettings;
  readonly strokes: readonly EdgeStroke[];
  readonly backdrop: Backdrop;
  /** How far the cut-out was moved, in pixels of the photo. */
  readonly offset: Point;
}

/** The default radius, as a share of the photo's long side. */
const RADIUS = 0.012;

export const firstState = (longSide: number): EditState => ({
  steps: [],
  selection: undefined,
  source: undefined,
  edge: {
    way: 'plain',
    radius: Math.max(2, Math.round(RADIUS * longSide)),
    feather: 2,
    shift: 0,
    clean: true,
  },
  strokes: [],
  backdrop: { kind: 'checker', blur: 0.02, picture: undefined },
  offset: { x: 0, y: 0 },
});
