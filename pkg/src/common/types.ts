// The data of the public API. Coordinates are pixels of the upright photo (EXIF orientation applied): x to the right,
// y down, origin at the top-left corner of the top-left pixel. A box is [x, y, width, height].

import type { SegmenterError } from './errors.js';

/** How coarse a mask is: a part of a thing, a whole thing, or two touching things together. */
export type Level = 'part' | 'entity' | 'relation';

/** What the network runs on. */
export type Device = 'webgpu' | 'cpu';

/** In pixels, from the top left corner of the upright photo; need not be whole numbers in prompts. */
export type Box = [x: number, y: number, width: number, height: number];

/** A binary mask as COCO compressed run-length encoding: column-major runs, starting with background. */
export interface Rle {
  size: [height: number, width: number];
  counts: string;
}

/**
 * A binary mask as COCO's files have it, which is what helpers and prompts read: compressed, as text, or uncompressed, as an array of run
 * lengths in pixels, column-major and starting with background. Every `Rle` is one.
 */
export interface CocoRle {
  size: readonly [height: number, width: number];
  counts: string | readonly number[];
}

/** One thing that was found in a photo. `Code` is how its pixels are written: helpers also read masks with codes from COCO's files. */
export interface Mask<Code extends CocoRle = Rle> {
  /** Unique within its scene. */
  id: number;
  /** How coarse it is. */
  level: Level;
  /** Confidence from 0 to 1; masks of one level compare, levels among each other do not. */
  score: number;
  /** In pixels. */
  area: number;
  /** The smallest box around it. */
  bbox: Box;
  /** Its pixels, in the photo's size; `decodeRle` and the other helpers read them. */
  rle: Code;
  /** The entity a part belongs to; null for other levels, and for a part of something that is no entity of the scene. */
  parent: number | null;
  /** The two entities of a relation; empty for other levels. */
  members: number[];
}

/** What a segmenter and its images take, in bytes. */
export interface MemoryUsage {
  /** Of the program: code excepted, all that it holds outside a GPU. It never shrinks. */
  wasm: number;
  /** Of tensors on a GPU; 0 on the CPU. */
  gpu: number;
  /** Of them and of buffers that are kept for the next ones. */
  gpuReserved: number;
}

/** What was found in a photo, as plain data: it can be stored as JSON. */
export interface Scene<Code extends CocoRle = Rle> {
  /** Of the upright photo, in pixels. */
  width: number;
  height: number;
  /** The masks of all levels that were asked for. Those of one level are disjoint for parts and entities; relations overlap. */
  masks: Mask<Code>[];
}

/** Points, a box, or both. At least one of them is needed. */
export interface PointPrompt {
  /** Up to 256; label 1 is inside the thing, 0 outside. Default: none. */
  points?: readonly { x: number; y: number; label: 0 | 1 }[] | undefined;
  box?: Readonly<Box> | undefined;
  /** Logits of a candidate that this photo had before, which the new points correct. */
  previous?: MaskLogits | undefined;
}

/** A mask before it is cut at its threshold: the decoder's output on its coarse grid, which reaches over the photo's padding. */
export interface MaskLogits {
  columns: number;
  rows: number;
  /** Row by row from the top; above 0 is inside. */
  values: Float32Array;
}

/** One of the masks that a point or a box can mean. */
export interface Candidate {
  /** The IoU with the thing that the network expects of this mask, from 0 to 1. */
  score: number;
  /** From 0 to 1: how little the mask changes if its threshold does (SAM's stability score). */
  stability: number;
  /** Whether it is the one that `segment` returns for the same prompt. */
  chosen: boolean;
  /** In pixels. */
  area: number;
  /** The smallest box around it. */
  bbox: Box;
  /** Its pixels, in the photo's size. */
  rle: Rle;
  /** To be given back as `previous`, with more points. */
  logits: MaskLogits;
}

/** What to segment. Masks must have the size of the photo. */
export type Prompt =
  /** The whole photo. */
  | { kind: 'full' }
  /** A region of the photo. */
  | { kind: 'box'; box: Readonly<Box> }
  | { kind: 'polygon'; points: readonly (readonly [x: number, y: number])[] }
  | { kind: 'mask'; mask: CocoRle }
  /** One entity: its parts. */
  | { kind: 'entity'; mask: CocoRle }
  /** Two entities: their relation. */
  | { kind: 'entities'; masks: readonly [CocoRle, CocoRle] }
  /** One relation: what is inside it. Its entities alone with `levels: ['entity']`. */
  | { kind: 'relation'; mask: CocoRle }
  /** The one entity that points, a box or both mean. */
  | ({ kind: 'points' } & PointPrompt)
  /** Up to 16 strokes of a brush, over what is wanted (label 1) and what is not (label 0): the one entity they mean. */
  | { kind: 'strokes'; strokes: readonly { points: readonly (readonly [x: number, y: number])[]; label: 0 | 1 }[] }
  /** A loose outline around an entity: its mask, nothing of it outside the outline. */
  | { kind: 'lasso'; points: readonly (readonly [x: number, y: number])[] };

/**
 * Where masks come from: 'fast' is one pass of the network that has learned the three levels, 'thorough' asks SAM at
 * every point of a grid and sorts what it finds by rules, which takes many times longer and is at its best with an `inputSize`
 * of 1024. Points are SAM's in both.
 */
export type Mode = 'fast' | 'thorough';

/** For the mode 'thorough': the grid of point prompts; names and meanings follow SAM's automatic mask generator. */
export interface GridOptions {
  /** Default 16. */
  pointsPerSide?: number | undefined;
  /** Default 8. */
  pointsPerBatch?: number | undefined;
  /** Default 0.88. */
  predIouThresh?: number | undefined;
  /** Default 0.95. */
  stabilityScoreThresh?: number | undefined;
  /** Default 1. */
  stabilityScoreOffset?: number | undefined;
  /** Default 0.7. */
  boxNmsThresh?: number | undefined;
  /** Default 0. */
  cropNLayers?: number | undefined;
  /** Default 0.7. */
  cropNmsThresh?: number | undefined;
  /** Default 512 / 1500. */
  cropOverlapRatio?: number | undefined;
  /** Default 1. */
  cropNPointsDownscaleFactor?: number | undefined;
  /** In pixels; smaller islands and holes are removed. Default 0. */
  minMaskRegionArea?: number | undefined;
}

/** 32-bit floats, or 16-bit ones: those are less exact (about three digits) and, on many GPUs, faster. */
export type Precision = 'f32' | 'f16';

/** Where the work runs. */
export interface Adapter {
  /** On what. */
  device: Device;
  /** What the browser calls it, for people. */
  name: string;
  /** True for a WebGPU adapter that computes on the CPU. */
  software: boolean;
  /** Of the network's products. */
  precision: Precision;
  /** One sentence: which device was taken and why. */
  reason: string;
}

/** How far a call is. Fractions rise from 0 to 1 and never fall; a call that succeeds ends at 1. */
export interface Progress {
  /** Of the calls `create`, `setImage` and `segment`. */
  stage: 'model' | 'image' | 'segment';
  fraction: number;
}

/** What every call that takes time can be given. */
export interface CallOptions {
  /** Called as the work goes on. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Aborting rejects the call at once with code 'aborted'. */
  signal?: AbortSignal | undefined;
}

/** A model file, or its address (relative ones belong to the page). */
export type ModelSource = URL | string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | Response;

/** Options of `Segmenter.create`. */
export interface SegmenterOptions extends CallOptions {
  /** 'auto' (default) takes WebGPU where it works on real graphics hardware, the CPU elsewhere. */
  device?: 'auto' | Device | undefined;
  /** The model file, its address, or a function that gives either; default: the one in this package. */
  model?: ModelSource | (() => ModelSource | Promise<ModelSource>) | undefined;
  /** Hexadecimal SHA-256 that the file must have. The one in this package is always checked. */
  sha256?: string | undefined;
  /** Default true: a downloaded model is kept in the browser's Cache API, as long as there is room, and checked whenever it is read. */
  cache?: boolean | undefined;
  /**
   * Address of a copy of this package's folder (`dist`, `wasm` and `models` in it), on the page's own server, for bundlers that do
   * not follow `new URL(..., import.meta.url)`: esbuild and Rollup. Default: beside the program, wherever the bundler put it.
   */
  assets?: URL | string | undefined;
  /**
   * Starts the worker, for pages that must do it in a way of their own: `() => new Worker(address, { type: 'module' })`, with the
   * script `aims-web/worker` of this package at that address. It is called when the segmenter is created and at each restart, and must
   * give a new worker each time, which the segmenter ends. Default: the segmenter starts the script of this package, for which it must
   * have the page's origin. A `gpu` needs no worker.
   */
  worker?: (() => Worker) | undefined;
  /**
   * A device of the page's own to compute on. The network then runs on the page and not in a worker, in short steps: devices
   * cannot be handed to workers. `close` does not destroy it; once it is lost, create a segmenter with another one. `device` 'cpu' ignores it.
   */
  gpu?: { adapter: GPUAdapter; device: GPUDevice } | undefined;
  /**
   * Long side in pixels of a photo as the model sees it, a multiple of 64 up to 2048; more is slower and finer. Default: what the model
   * file says for the device.
   */
  inputSize?: number | undefined;
  /** Default 'f32'. 'f16' is a wish: GPUs without 16-bit floats, and the CPU, keep to 'f32'; see {@link Adapter.precision}. */
  precision?: Precision | undefined;
}

/**
 * A Blob (JPEG, PNG, WebP, or whatever file the browser decodes) is taken upright according to its EXIF orientation. An `<img>` is waited
 * for and gives all pixels of its file that the browser has, which can be more than its natural size. A `<video>` gives the frame that it shows.
 * All others give their pixels at the time of the call. Objects of other windows and frames are as good.
 */
export type ImageSource = Blob | ImageBitmap | ImageData | HTMLCanvasElement | HTMLImageElement | HTMLVideoElement | OffscreenCanvas | VideoFrame;

/** What this browser can do. */
export interface Support {
  /** Whether a segmenter can be created at all: there are workers and WebAssembly with SIMD. */
  supported: boolean;
  /** Whether there is WebGPU: on graphics hardware, or an adapter that computes on the CPU, which is slow. */
  webgpu: 'hardware' | 'software' | 'none';
  /** One sentence for people. */
  reason: string;
}

/** What a segmenter tells those who listen. */
export interface SegmenterEventMap {
  /** The graphics device was lost, or the worker stopped. Calls under way fail; the next one starts again and encodes its image anew. */
  devicelost: CustomEvent<SegmenterError>;
  /** A new worker took over, on the device that `detail` tells. */
  restored: CustomEvent<Adapter>;
}

/** Options of `segment`. */
export interface SegmentOptions extends CallOptions {
  /** Default: all three, where the prompt allows. */
  levels?: readonly Level[] | undefined;
  /** Default: the whole photo. */
  prompt?: Prompt | undefined;
  /** Default: 'fast' with a model file that has learned the levels, else 'thorough'. */
  mode?: Mode | undefined;
  /** For the mode 'fast': masks with a lower score are left out. From 0 to 1; default: what the model file says, 0.2 for those of this package. */
  minScore?: number | undefined;
  /**
   * For the mode 'fast': at most so many places of the photo are asked, 1 to 192, in whole rounds of 8. Default: 48. Simple photos take
   * fewer; on busy ones more queries find more small parts and take more time.
   */
  maxQueries?: number | undefined;
  /** For the mode 'thorough'. */
  grid?: GridOptions | undefined;
}
