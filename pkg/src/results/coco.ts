import type { Box, CocoRle, Level, Mask, Rle, Scene } from '../common/types.js';
import { maskToPolygons, type Polygon } from './polygons.js';
import { rleArea, rleBox } from './rle.js';
import type { OutlineOptions } from './simplify.js';
import { encodeSpans, spansOf } from './spans.js';

/** These options say how masks are written. */
export interface CocoFormat extends OutlineOptions {
  /**
   * Default 'rle'. With 'polygons' a mask is a list of rings of corners x0, y0, x1, y1, ... in
   * pixels, one ring for each of its pieces. COCO has no holes, so a line from the outer ring to
   * each hole and back joins them into one ring, which fills the piece without its holes. A
   * `tolerance` simplifies the rings. Area and box stay those of the mask.
   */
  segmentation?: 'rle' | 'polygons' | undefined;
}

/** What a scene does not know about its photo, and how masks are written. */
export interface CocoOptions extends CocoFormat {
  /** Default: empty. */
  fileName?: string | undefined;
  /** Default 1. */
  imageId?: number | undefined;
}

/** A scene and what it does not know about its photo. */
export interface CocoPhoto {
  scene: Scene<CocoRle>;
  /** Default: empty. */
  fileName?: string | undefined;
  /** Default: the photo's place in the list, from 1 on. */
  imageId?: number | undefined;
}

/** A data set in COCO's format for object detection. */
export interface CocoDataset {
  images: { id: number; width: number; height: number; file_name: string }[];
  annotations: CocoAnnotation[];
  categories: { id: number; name: Level; supercategory: string }[];
}

/** An annotation is one mask of a scene, in COCO's words. */
export interface CocoAnnotation {
  /**
   * The id of the mask. In a data set of several photos it is the annotation's place in the list,
   * from 1 on.
   */
  id: number;
  image_id: number;
  category_id: number;
  segmentation: Rle | number[][];
  area: number;
  bbox: Box;
  iscrowd: 0;
  /** COCO has neither this property nor those that follow. */
  score: number;
  /** The id of the annotation of the entity that a part belongs to. */
  parent: number | null;
  /** The ids of the annotations of a relation's entities. */
  members: number[];
}

const CATEGORIES: readonly Level[] = ['part', 'entity', 'relation'];

/**
 * Makes a COCO data set from a scene, with one category for each level. Encodings, areas and boxes
 * are those that pycocotools gives for the same pixels. Every annotation has `iscrowd` 0, because
 * each is one object. pycocotools accepts run-length encodings there too, and it would leave crowds
 * out of its measurements.
 *
 * @throws {SegmenterError} 'invalid-prompt' or 'size-mismatch' if a mask has no valid run-length
 * encoding.
 * @throws {TypeError} if the tolerance is negative or there is no such `segmentation`.
 */
export function sceneToCoco(
  scene: Scene<CocoRle>,
  { fileName, imageId = 1, ...format }: CocoOptions = {},
): CocoDataset {
  return dataset([{ scene, fileName, imageId, idOf: (id) => id }], format);
}

/**
 * Makes one COCO data set from the scenes of several photos. Annotations are numbered consecutively
 * over the whole data set, and links between masks use these numbers. Links to masks that are not
 * in their scene are left out. Everything else is as in {@link sceneToCoco}.
 *
 * @throws {SegmenterError} the errors of `sceneToCoco`.
 * @throws {TypeError} the errors of `sceneToCoco`, and if two photos have the same `imageId`.
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
      `Two photos have the imageId ${twice}. Give each photo its own, or give none to any photo.`,
    );
  return dataset(numbered, format);
}

interface NumberedPhoto extends CocoPhoto {
  imageId: number;
  /** Gives the id of a mask's annotation. */
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
 * Joins the rings into one. A line that is followed there and back encloses nothing, wherever it
 * lies. So the first corner of the outer ring serves for all holes.
 */
function toOneRing({ outer, holes }: Polygon): number[] {
  const start = outer.slice(0, 2);
  return [...outer, ...holes.flatMap((hole) => [...start, ...hole, ...hole.slice(0, 2)])];
}
