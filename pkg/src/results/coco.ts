import type { Box, CocoRle, Level, Mask, Rle, Scene } from '../common/types.js';
import { maskToPolygons, type Polygon } from './polygons.js';
import { rleArea, rleBox } from './rle.js';
import type { OutlineOptions } from './simplify.js';
import { encodeSpans, spansOf } from './spans.js';

/** These options say how masks are written. */
export interface CocoFormat extends OutlineOptions {
  /**
   * Default 'rle'. With 'polygons' a mask is a list of rings of corners x0, y0, x1, y1, ... in
   * pixels, one for each of its pieces. COCO knows no holes, so a line from the outer ring to each
   * hole and back joins them to one ring, which fills the piece without its holes. A `tolerance`
   * simplifies the rings. Area and box stay those of the mask.
   */
  segmentation?: 'rle' | 'polygons' | undefined;
}

/** These options tell what a scene does not know of its photo. */
export interface CocoOptions extends CocoFormat {
  /** Default: empty. */
  fileName?: string | undefined;
  /** Default 1. */
  imageId?: number | undefined;
}

/** This is a scene and what it does not know of its photo. */
export interface CocoPhoto {
  scene: Scene<CocoRle>;
  /** Default: empty. */
  fileName?: string | undefined;
  /** Default: the photo's place in the list, from 1 on. */
  imageId?: number | undefined;
}

/** This is a data set in COCO's format for object detection. */
export interface CocoDataset {
  images: { id: number; width: number; height: number; file_name: string }[];
  annotations: CocoAnnotation[];
  categories: { id: number; name: Level; supercategory: string }[];
}

/** An annotation is one mask of a scene, in COCO's words. */
export interface CocoAnnotation {
  /**
   * This is the id of the mask. In a data set of several photos it is the annotation's place in the
   * list, from 1 on.
   */
  id: number;
  image_id: number;
  category_id: number;
  segmentation: Rle | number[][];
  area: number;
  bbox: Box;
  iscrowd: 0;
  /** COCO does not have this property and those that follow. */
  score: number;
  /** This is the id of the annotation of the entity that a part belongs to. */
  parent: number | null;
  /** These are the ids of the annotations of a relation's entities. */
  members: number[];
}

const CATEGORIES: readonly Level[] = ['part', 'entity', 'relation'];

/**
 * Makes a COCO data set of a scene, with one category for each level. Codes, areas and boxes are
 * those that pycocotools gives for the same pixels. Every annotation has `iscrowd` 0, because each
 * is one object. pycocotools takes run-length codes there too, and would leave crowds out of its
 * measurements.
 *
 * @throws {SegmenterError} 'invalid-prompt' or 'size-mismatch' if a mask is no run-length code.
 * @throws {TypeError} if the tolerance is negative or there is no such `segmentation`.
 */
export function sceneToCoco(
  scene: Scene<CocoRle>,
  { fileName, imageId = 1, ...format }: CocoOptions = {},
): CocoDataset {
  return dataset([{ scene, fileName, imageId, idOf: (id) => id }], format);
}

/**
 * Makes one COCO data set of the scenes of several photos. Annotations are numbered through the
 * whole data set, and links between masks use these numbers. Links to masks that are not in their
 * scene are left out. Everything else is as {@link sceneToCoco} does it.
 *
 * @throws {SegmenterError} as `sceneToCoco`.
 * @throws {TypeError} as `sceneToCoco`, and if two photos have the same `imageId`.
 */
export function scenesToCoco(photos: readonly CocoPhoto[], format: CocoFormat = {}): CocoDataset {
  let annotations = 0;
  const numbered = photos.map(({ scene, fileName, imageId }, index) => {
    const ids = new Map(scene.masks.map(({ id }) => [id, ++annotations]));
    return { scene, fileName, imageId: imageId ?? index + 1, idOf: (id: number) => ids.get(id) };
  });
  const imageIds = numbered.map(({ imageId }) => imageId);
  const twice = imageIds.find((id, index) => imageIds.indexOf(id) !== index);
  if (twice !== undefined)
    throw new TypeError(
      `Two photos have the imageId ${twice}. Give each one of its own, or none to any.`,
    );
  return dataset(numbered, format);
}

interface NumberedPhoto extends CocoPhoto {
  imageId: number;
  /** The annotation of a mask, by its id. */
  idOf: (id: number) => number | undefined;
}

function dataset(photos: readonly NumberedPhoto[], format: CocoFormat): CocoDataset {
  const { segmentation = 'rle' } = format;
  if (!['rle', 'polygons'].includes(segmentation))
    throw new TypeError(`segmentation must be 'rle' or 'polygons', not '${segmentation}'.`);
  return {
    images: photos.map(({ scene: { width, height }, fileName = '', imageId }) => ({
      id: imageId,
      width,
      height,
      file_name: fileName,
    })),
    annotations: photos.flatMap((photo) =>
      photo.scene.masks.map((mask) => annotate(mask, photo, format)),
    ),
    categories: CATEGORIES.map((name, index) => ({ id: index + 1, name, supercategory: 'level' })),
  };
}

function annotate(
  mask: Mask<CocoRle>,
  { imageId, idOf }: NumberedPhoto,
  { segmentation, tolerance }: CocoFormat,
): CocoAnnotation {
  const { id, level, rle, score, parent, members } = mask;
  return {
    id: idOf(id)!,
    image_id: imageId,
    category_id: CATEGORIES.indexOf(level) + 1,
    segmentation:
      segmentation === 'polygons'
        ? maskToPolygons(mask, { tolerance }).map(toOneRing)
        : encodeSpans(spansOf(rle)),
    area: rleArea(rle),
    bbox: rleBox(rle),
    iscrowd: 0,
    score,
    parent: parent === null ? null : (idOf(parent) ?? null),
    members: members.flatMap((member) => idOf(member) ?? []),
  };
}

/**
 * Lines that are run through there and back enclose nothing, wherever they lie: the outer ring's
 * first corner will do for all holes.
 */
function toOneRing({ outer, holes }: Polygon): number[] {
  const start = outer.slice(0, 2);
  return [...outer, ...holes.flatMap((hole) => [...start, ...hole, ...hole.slice(0, 2)])];
}
