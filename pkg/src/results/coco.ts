import type { Box, CocoRle, Level, Rle, Scene } from '../types.js';
import { rleArea, rleBox } from './rle.js';
import { decodeRuns, encodeRuns, sizeOf } from './runs.js';

/** What a scene does not know of its photo. */
export interface CocoOptions {
  /** Default: empty. */
  fileName?: string | undefined;
  /** Default 1. */
  imageId?: number | undefined;
}

/** A data set of one photo in COCO's format for object detection. */
export interface CocoDataset {
  images: { id: number; width: number; height: number; file_name: string }[];
  annotations: CocoAnnotation[];
  categories: { id: number; name: Level; supercategory: string }[];
}

/** One mask of a scene, in COCO's words. */
export interface CocoAnnotation {
  /** The mask's. */
  id: number;
  image_id: number;
  category_id: number;
  segmentation: Rle;
  area: number;
  bbox: Box;
  iscrowd: 0;
  /** This and what follows is not COCO's. */
  score: number;
  /** Id of the annotation of the entity that a part belongs to. */
  parent: number | null;
  /** Ids of the annotations of a relation's entities. */
  members: number[];
}

const CATEGORIES: readonly Level[] = ['part', 'entity', 'relation'];

/**
 * A scene as a COCO data set with one category for each level. Codes, areas and boxes are those that pycocotools gives the
 * same pixels. Every annotation has `iscrowd` 0, as each is one object: pycocotools takes run-length codes there too, and would
 * leave crowds out of its measurements.
 *
 * @throws {SegmenterError} 'invalid-prompt' or 'size-mismatch' if a mask is no run-length code.
 */
export function sceneToCoco(scene: Scene<CocoRle>, { fileName = '', imageId = 1 }: CocoOptions = {}): CocoDataset {
  return {
    images: [{ id: imageId, width: scene.width, height: scene.height, file_name: fileName }],
    annotations: scene.masks.map(({ id, level, rle, score, parent, members }) => ({
      id,
      image_id: imageId,
      category_id: CATEGORIES.indexOf(level) + 1,
      segmentation: encodeRuns(decodeRuns(rle), sizeOf(rle)),
      area: rleArea(rle),
      bbox: rleBox(rle),
      iscrowd: 0,
      score,
      parent,
      members: [...members],
    })),
    categories: CATEGORIES.map((name, index) => ({ id: index + 1, name, supercategory: 'level' })),
  };
}
