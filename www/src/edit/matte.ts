// The alpha of the selection: how its edge becomes transparent.
import { type Matte, type MatteColors, maskToAlpha, type RefineOptions } from 'aims-web';
import { paintStrokes } from '../tools/stroke.js';
import type { Size } from '../view/camera.js';
import type { EdgeStroke, EditState } from './state.js';

/** A stroke may reach this far from the mask's edge, as a share of the photo's long side. */
const MOST_REACH = 0.05;

/** Finds an edge that follows the photo. */
export type Refine = (options: RefineOptions) => Promise<Matte>;

/**
 * Gives the matte of the selection. It is undefined if the mask's own edge is softened and moved,
 * which needs no matte.
 */
export async function matteOf(
  { selection, edge, strokes }: EditState,
  photo: Size,
  refine: Refine,
): Promise<Matte | undefined> {
  if (!selection || (edge.way === 'plain' && strokes.length === 0)) return undefined;
  const colors = edge.clean ? 'clean' : 'photo';
  const whole =
    edge.way === 'plain'
      ? { ...maskToAlpha({ rle: selection }, plainEdge(edge)), colors: null }
      : await refine({ radius: edge.radius, hair: edge.way === 'careful', colors });
  if (strokes.length === 0) return whole;
  const most = MOST_REACH * Math.max(photo.width, photo.height);
  const reach = Math.max(...strokes.map(({ radius }) => radius));
  const brushed = await refine({ radius: Math.ceil(Math.min(most, reach)), hair: true, colors });
  return paste(whole, brushed, strokes);
}

/** Gives the options with which the mask's own edge is softened and moved. */
export const plainEdge = ({ feather, shift }: EditState['edge']) => ({
  feather,
  shiftEdge: shift,
});

/** Takes what `brushed` has where the strokes are. The alpha blends between the two. */
function paste(whole: Matte, brushed: Matte, strokes: readonly EdgeStroke[]): Matte {
  const painted = paintStrokes(strokes, whole).data;
  const data = whole.data.slice();
  for (let i = 0; i < data.length; i++) {
    const share = painted[4 * i + 3]! / 255;
    if (share > 0) data[i] = data[i]! + share * (brushed.data[i]! - data[i]!);
  }
  const isBrushed = (x: number, y: number) => painted[4 * (y * whole.width + x) + 3]! >= 128;
  return { ...whole, data, colors: pasteColors(whole.colors, brushed.colors, isBrushed) };
}

function pasteColors(
  whole: MatteColors | null,
  brushed: MatteColors | null,
  isBrushed: (x: number, y: number) => boolean,
): MatteColors | null {
  const boxes = [whole, brushed].flatMap((colors) => (colors ? [colors.box] : []));
  if (boxes.length === 0) return null;
  const left = Math.min(...boxes.map(([x]) => x));
  const top = Math.min(...boxes.map(([, y]) => y));
  const width = Math.max(...boxes.map(([x, , across]) => x + across)) - left;
  const height = Math.max(...boxes.map(([, y, , down]) => y + down)) - top;
  const data = new Uint8ClampedArray(4 * width * height);
  for (const colors of [whole, brushed]) {
    if (!colors) continue;
    const [x0, y0, across, down] = colors.box;
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++) {
        if (isBrushed(x0 + x, y0 + y) !== (colors === brushed)) continue;
        const from = 4 * (y * across + x);
        const to = 4 * ((y0 + y - top) * width + x0 + x - left);
        data.set(colors.data.subarray(from, from + 4), to);
      }
    }
  }
  return { box: [left, top, width, height], data };
}
