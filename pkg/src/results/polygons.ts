import { type Crop, cropMask } from './crop.js';
import { type Ring, traceOutline } from './outline.js';
import type { HasRle } from './rle.js';
import { checkTolerance, type OutlineOptions, signedArea, simplifyRings } from './simplify.js';

/**
 * A polygon is an area without its holes. Its rings have corners x0, y0, x1, y1, ... in pixels of
 * the photo, and the last corner joins the first.
 */
export interface Polygon {
  /** The outer ring runs clockwise as seen, with y pointing down. */
  outer: Ring;
  /** The rings of holes run counter-clockwise as seen. */
  holes: Ring[];
}

/**
 * Makes polygons from a mask, one for each piece of pixels that are joined by their sides, the
 * topmost first. An empty mask has none.
 *
 * They are valid by the rules of OpenGIS at every tolerance. Rings do not touch themselves, and
 * they touch each other only in single corners. Holes lie in their outer ring, and polygons do not
 * overlap.
 *
 * @throws {TypeError} if the tolerance is negative.
 */
export function maskToPolygons({ rle }: HasRle, options: OutlineOptions = {}): Polygon[] {
  const tolerance = checkTolerance(options);
  const rings = traceOutline(rle);
  const simple = simplifyRings(rings, tolerance);
  const isOuter = rings.map((ring) => signedArea(ring) > 0);
  const polygons: Polygon[] = simple
    .filter((_, index) => isOuter[index])
    .map((outer) => ({ outer, holes: [] }));
  if (polygons.length < rings.length) {
    const crop = cropMask(rle);
    const labels = labelPieces(crop);
    rings.forEach((hole, index) => {
      if (isOuter[index]) return;
      // This is the pixel below the end of the hole's last edge; see traceOutline.
      const label = labels[(hole[1]! - crop.top) * crop.width + hole[0]! - 1 - crop.left]!;
      polygons[label - 1]!.holes.push(simple[index]!);
    });
  }
  return polygons;
}

/**
 * Writes the mask's outline as the data of an SVG path (its attribute `d`), in pixels of the photo.
 * Both fill rules fill it alike. An empty mask gives an empty text.
 *
 * @throws {TypeError} if the tolerance is negative.
 */
export function maskToSvgPath(mask: HasRle, options: OutlineOptions = {}): string {
  return outlineOf(mask, options).map(ringToSvg).join('');
}

/** Gives all rings of a mask, simplified. */
export function outlineOf({ rle }: HasRle, options: OutlineOptions): Ring[] {
  const tolerance = checkTolerance(options);
  return simplifyRings(traceOutline(rle), tolerance);
}

function ringToSvg(ring: Ring): string {
  let path = `M${ring[0]} ${ring[1]}`;
  for (let i = 2; i < ring.length; i += 2) {
    const dx = ring[i]! - ring[i - 2]!;
    const dy = ring[i + 1]! - ring[i - 1]!;
    path += dy === 0 ? `h${dx}` : dx === 0 ? `v${dy}` : `l${dx} ${dy}`;
  }
  return `${path}z`;
}

/**
 * Numbers the pieces of pixels that are joined by their sides. The numbers begin at 1 and follow
 * the order of the first pixels from the top left, which is also the order of the outer rings. 0 is
 * outside.
 */
function labelPieces({ width, pixels }: Crop): Uint32Array {
  const labels = new Uint32Array(pixels.length);
  const queue: number[] = [];
  let label = 0;
  const reach = (at: number): void => {
    if (pixels[at] !== 1 || labels[at] !== 0) return;
    labels[at] = label;
    queue.push(at);
  };
  for (let start = 0; start < pixels.length; start++) {
    if (pixels[start] !== 1 || labels[start] !== 0) continue;
    label++;
    reach(start);
    while (queue.length > 0) {
      const at = queue.pop()!;
      const x = at % width;
      if (x > 0) reach(at - 1);
      if (x < width - 1) reach(at + 1);
      reach(at - width);
      reach(at + width);
    }
  }
  return labels;
}
