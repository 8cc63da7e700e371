// The data of the public API. Coordinates are pixels of the upright photo (EXIF orientation applied): x to the right,
// y down, origin at the top-left corner of the top-left pixel. A box is [x, y, width, height].

import type { SegmenterError } from './errors.js';

/** How coarse a mask is: a part of a thing, a whole thing, or two touching things together. */
export type Level = 'part' | 'entity' | 'relation';

export type Device = 'webgpu' | 'cpu';

export type Box = [x: number, y: number, width: number, height: number];

/** A binary mask as COCO compressed run-length encoding: column-major runs, starting with background. */
export interface Rle {
  size: [height: number, width: number];
  counts: string;
}

export interface Mask {
  /** Unique within its scene. */
  id: number;
  level: Level;
  /** Confidence from 0 to 1; masks of one level compare, levels among each other do not. */
  score: number;
  /** In pixels. */
  area: number;
  bbox: Box;
  rle: Rle;
  /** The entity a part belongs to; null for other levels, and for a part of something that is no entity of the scene. */
  parent: number | null;
  /** The two entities of a relation; empty for other levels. */
  members: number[];
}

/** In bytes. */
export interface MemoryUsage {
  /** Of the program: code excepted, all that it holds outside a GPU. It never shrinks. */
  wasm: number;
  /** Of tensors on a GPU; 0 on the CPU. */
  gpu: number;
  /** Of them and of buffers that are kept for the next ones. */
  gpuReserved: number;
}

export interface Scene {
  width: number;
  height: number;
  masks: Mask[];
}

/** What to segment. Masks must have the size of the photo. */
export type Prompt =
  /** The whole photo. */
  | { kind: 'full' }
  /** A region of the photo. */
  | { kind: 'box'; box: Box }
  | { kind: 'polygon'; points: [x: number, y: number][] }
  | { kind: 'mask'; mask: Rle }
  /** One entity: its parts. */
  | { kind: 'entity'; mask: Rle }
  /** Two entities: their relation. */
  | { kind: 'entities'; masks: [Rle, Rle] }
  /** One relation: its entities. */
  | { kind: 'relation'; mask: Rle }
  /** Points (label 1 inside, 0 outside), a box, or both: the one entity they mean. */
  | { kind: 'points'; points: { x: number; y: number; label: 0 | 1 }[]; box?: Box }
  /** Up to 16 strokes of a brush, over what is wanted (label 1) and what is not (label 0): the one entity they mean. */
  | { kind: 'strokes'; strokes: { points: [x: number, y: number][]; label: 0 | 1 }[] }
  /** A loose outline around an entity: its mask, nothing of it outside the outline. */
  | { kind: 'lasso'; points: [x: number, y: number][] };

/**
 * Where masks come from: 'fast' is one pass of the network that has learned the three levels, 'thorough' asks SAM at
 * every point of a grid and sorts what it finds by rules, which takes many times longer and is at its best with an `inputSize`
 * of 1024. Points are SAM's in both.
 */
export type Mode = 'fast' | 'thorough';

/** For the mode 'thorough': the grid of point prompts; names and meanings follow SAM's automatic mask generator. */
export interface GridOptions {
  /** Default 16. */
  pointsPerSide?: number;
  /** Default 8. */
  pointsPerBatch?: number;
  /** Default 0.88. */
  predIouThresh?: number;
  /** Default 0.95. */
  stabilityScoreThresh?: number;
  /** Default 1. */
  stabilityScoreOffset?: number;
  /** Default 0.7. */
  boxNmsThresh?: number;
  /** Default 0. */
  cropNLayers?: number;
  /** Default 0.7. */
  cropNmsThresh?: number;
  /** Default 512 / 1500. */
  cropOverlapRatio?: number;
  /** Default 1. */
  cropNPointsDownscaleFactor?: number;
  /** In pixels; smaller islands and holes are removed. Default 0. */
  minMaskRegionArea?: number;
}

/** 32-bit floats, or 16-bit ones: those are less exact (about three digits) and, on many GPUs, faster. */
export type Precision = 'f32' | 'f16';

/** Where the work runs. */
export interface Adapter {
  device: Device;
  name: string;
  /** True for a WebGPU adapter that computes on the CPU. */
  software: boolean;
  /** Of the network's products. */
  precision: Precision;
  /** One sentence: which device was taken and why. */
  reason: string;
}

/** Fractions rise from 0 to 1 and never fall; a call that succeeds ends at 1. */
export interface Progress {
  stage: 'model' | 'image' | 'segment';
  fraction: number;
}

export interface CallOptions {
  onProgress?: ((progress: Progress) => void) | undefined;
  /** Aborting rejects the call at once with code 'aborted'. */
  signal?: AbortSignal | undefined;
}

/** A model file, or its address (relative ones belong to the page). */
export type ModelSource = URL | string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | Response;

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
   * A device of the page's own to compute on. The network then runs on the page and not in a worker, in short steps: devices
   * cannot be handed to workers. `close` does not destroy it; once it is lost, create a segmenter with another one. `device` 'cpu' ignores it.
   */
  gpu?: { adapter: GPUAdapter; device: GPUDevice } | undefined;
  /** Side in pixels that photos are fitted to for the model, a multiple of 64. Default 512; more is slower and finer. */
  inputSize?: number | undefined;
  /** Default 'f32'. 'f16' is a wish: GPUs without 16-bit floats, and the CPU, keep to 'f32'; see {@link Adapter.precision}. */
  precision?: Precision | undefined;
}

/** A Blob (JPEG, PNG or WebP file) is decoded upright according to its EXIF orientation. */
export type ImageSource = Blob | ImageBitmap | ImageData | HTMLCanvasElement | HTMLImageElement | OffscreenCanvas | VideoFrame;

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

export interface SegmentOptions extends CallOptions {
  /** Default: all three, where the prompt allows. */
  levels?: Level[] | undefined;
  /** Default: the whole photo. */
  prompt?: Prompt | undefined;
  /** Default: 'fast'. */
  mode?: Mode | undefined;
  /** For the mode 'fast': masks with a lower score are left out. From 0 to 1; default 0.2. */
  minScore?: number | undefined;
  grid?: GridOptions | undefined;
}
