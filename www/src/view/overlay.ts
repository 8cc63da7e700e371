// What is drawn over the photo: the masks of a level, the selection, and what the pointer is over.
// All of it is drawn from outlines, so that edges are sharp at any zoom.
import type { Box, HasRle, Mask } from 'aims-web';
import type { Editor } from '../edit/editor.js';
import type { Step } from '../edit/step.js';
import type { Size } from './camera.js';
import { boxOf, pathOf } from './outlines.js';
import { colorOf, ofLevel } from './shapes.js';

/** A context whose unit is one pixel of the photo. */
export interface Pen {
  context: CanvasRenderingContext2D;
  /** One CSS pixel, in pixels of the photo. */
  px: number;
  /** Device pixels for each pixel of the photo. */
  scale: number;
  /** The piece of the photo that is in sight. */
  visible: Box;
}

/** What lies over the photo. */
export interface Overlay {
  masks: readonly Mask[];
  /** The masks that were opened. The rest of the photo is dimmed. */
  opened: readonly HasRle[];
  selection: HasRle | undefined;
  /** What a click would take. */
  hovered: HasRle | undefined;
  /** The first of two entities that are picked. */
  picked: HasRle | undefined;
  /** True to draw only outlines, because relations overlap a lot. */
  outlinesOnly: boolean;
}

export const NOTHING: Overlay = {
  masks: [],
  opened: [],
  selection: undefined,
  hovered: undefined,
  picked: undefined,
  outlinesOnly: false,
};

const sorted = new WeakMap<Step, Mask[]>();

/** Gives the masks of a step's level, the largest first. It is the same list each time. */
function masksOf(step: Step): Mask[] {
  let masks = sorted.get(step);
  if (!masks)
    sorted.set(step, (masks = ofLevel(step.scene, step.level).sort((a, b) => b.area - a.area)));
  return masks;
}

/** Says what lies over the photo. */
export function overlayOf({ step, state, hovered, picked }: Editor): Overlay {
  const { selection } = state;
  return {
    masks: step ? masksOf(step) : NOTHING.masks,
    opened: step?.opened ?? NOTHING.opened,
    selection: selection && { rle: selection },
    hovered,
    picked,
    outlinesOnly: step?.level === 'relation',
  };
}

/** Draws the masks of a level. They are faint while something is selected. */
export function drawMasks(pen: Pen, overlay: Overlay): void {
  const { context, px, scale } = pen;
  const { masks, outlinesOnly } = overlay;
  const faint = isFaint(overlay);
  context.lineJoin = 'bevel';
  context.lineWidth = (faint ? 1 : 1.5) * px;
  for (const mask of masks) {
    if (!isInSight(mask, pen)) continue;
    const path = pathOf(mask, scale);
    if (!path) continue;
    if (!outlinesOnly && !faint) {
      context.fillStyle = colorOf(mask, 0.36);
      context.fill(path);
    }
    context.strokeStyle = colorOf(mask, faint ? 0.55 : 1);
    context.stroke(path);
  }
}

/** Says whether the selection is what counts. If it was opened, the masks inside it count. */
export const isFaint = ({ selection, opened }: Overlay): boolean =>
  selection !== undefined && !opened.some(({ rle }) => rle === selection.rle);

/** Draws what changes with every movement of the pointer. */
export function drawMarks(pen: Pen, overlay: Overlay, photo: Size): void {
  const { context, scale } = pen;
  const { opened, selection, hovered, picked } = overlay;
  context.lineJoin = 'round';
  const inside = selection ? [selection] : opened;
  if (inside.length > 0) dimOutside(pen, inside, photo);
  if (hovered && hovered.rle !== selection?.rle) {
    context.fillStyle = 'rgb(255 255 255 / 0.28)';
    const path = pathOf(hovered, scale);
    if (path) context.fill(path);
    outline(pen, hovered, '#fff', 2);
  }
  if (selection) ants(pen, selection);
  if (picked) ants(pen, picked);
}

/** Strokes an outline that can be seen on every ground. */
function ants(pen: Pen, mask: HasRle): void {
  const { context, px } = pen;
  outline(pen, mask, '#000', 3);
  context.setLineDash([6 * px, 5 * px]);
  outline(pen, mask, '#fff', 1.75);
  context.setLineDash([]);
}

function outline({ context, px, scale }: Pen, mask: HasRle, style: string, width: number): void {
  context.strokeStyle = style;
  context.lineWidth = width * px;
  const path = pathOf(mask, scale);
  if (path) context.stroke(path);
}

function dimOutside({ context, scale }: Pen, inside: readonly HasRle[], photo: Size): void {
  const outside = new Path2D();
  outside.rect(0, 0, photo.width, photo.height);
  for (const mask of inside) {
    const path = pathOf(mask, scale);
    if (!path) return;
    outside.addPath(path);
  }
  context.fillStyle = 'rgb(8 10 18 / 0.5)';
  // Things that are opened together do not overlap.
  context.fill(outside, 'evenodd');
}

function isInSight(mask: HasRle, { visible: [x, y, width, height] }: Pen): boolean {
  const [left, top, across, down] = boxOf(mask);
  return left < x + width && top < y + height && left + across > x && top + down > y;
}
