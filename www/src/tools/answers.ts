// The answers to a click: the masks of the scene at that point and what the network proposes.
import { type HasRle, intersectMasks, rleArea } from 'aims-web';
import type { Point } from '../view/camera.js';
import { masksAt } from '../view/shapes.js';
import type { Bench } from './options.js';

/** Two masks with a higher IoU than this are one answer. */
const SAME = 0.9;

export interface Answers {
  /** The smaller ones come first. */
  list: HasRle[];
  /** False if the network had no time for this point. */
  complete: boolean;
}

/** Gives all answers at a point. */
export async function answersAt({ editor, work }: Bench, at: Point): Promise<Answers> {
  const found = editor.step ? masksAt(editor.step.scene.masks, at) : [];
  const proposed = await work.answers(at);
  // Masks of the scene come first, because an answer that is like an earlier one is left out.
  const all: HasRle[] = [...found, ...(proposed ?? [])];
  const distinct: HasRle[] = [];
  for (const answer of all)
    if (!distinct.some((other) => isSame(answer, other))) distinct.push(answer);
  const list = distinct.sort((a, b) => rleArea(a.rle) - rleArea(b.rle));
  return { list, complete: proposed !== undefined };
}

/** Says whether two masks are the same answer. */
export function isSame(a: HasRle, b: HasRle): boolean {
  if (a.rle === b.rle) return true;
  const [areaA, areaB] = [rleArea(a.rle), rleArea(b.rle)];
  if (Math.min(areaA, areaB) < SAME * Math.max(areaA, areaB)) return false;
  const both = rleArea(intersectMasks(a, b));
  return both / (areaA + areaB - both) > SAME;
}
