// These are the data types of the public API. Coordinates are in pixels of the upright photo, which
// has its EXIF orientation applied. The origin is the top left corner of the top left pixel, x
// points to the right and y points down.

import type { SegmenterError } from './errors.js';

/** What a mask covers: a part of a thing, a whole thing, or two things that touch. */
export type Level = 'part' | 'entity' | 'relation';

/** The network runs either on WebGPU or on the CPU. */
export type Device = 'webgpu' | 'cpu';

/** A box is given in pixels of the upright photo. Boxes in prompts may have fractions of pixels. */
export type Box = [x: number, y: number, width: number, height: number];

/**
 * A binary mask in COCO's compressed run-length encoding (RLE). Its runs go column by column and
 * begin with background.
 */
export interface Rle {
  size: [height: number, width: number];
  counts: string;
}

/**
 * A binary mask as COCO's files have it. Helpers and prompts read this form. `counts` is a
 * compressed text, or an array of run lengths in pixels that go column by column and begin with
 * background. Every `Rle` is also a `CocoRle`.
 */
export interface CocoRle {
  size: readonly [height: number, width: number];
  counts: string | readonly number[];
}

/**
 * A mask is one thing that was found in a photo. `Code` is the type of its run-length encoding,
 * because helpers also read masks whose encodings come from COCO's files.
 */
export interface Mask<Code extends CocoRle = Rle> {
  /** No other mask of the scene has this number. */
  id: number;
  /** Whether the mask is a part, an entity or a relation. */
  level: Level;
  /** A confidence from 0 to 1. Scores can be compared within one level, but not between levels. */
  score: number;
  /** The area is the number of pixels inside the mask. */
  area: number;
  /** This is the smallest box around the mask. */
  bbox: Box;
  /** The encoding has the photo's size. `decodeRle` and the other helpers read its pixels. */
  rle: Code;
  /**
   * The id of the entity that a part belongs to. It is null for other levels, and for a part of
   * something that is not an entity of the scene.
   */
  parent: number | null;
  /** A relation has the ids of its two entities here. The list is empty for other levels. */
  members: number[];
}

/** How many bytes of memory a segmenter and its images take. */
export interface MemoryUsage {
  /**
   * The memory of the wasm program. It holds everything except the program's code and the data on a
   * GPU. It never shrinks.
   */
  wasm: number;
  /** The memory of tensors on a GPU. It is 0 on the CPU. */
  gpu: number;
  /** The memory of these tensors and of the buffers that are kept for later ones. */
  gpuReserved: number;
}

/** A scene is what was found in a photo. It is plain data, so it can be stored as JSON. */
export interface Scene<Code extends CocoRle = Rle> {
  /** The width of the upright photo, in pixels. */
  width: number;
  /** The height of the upright photo, in pixels. */
  height: number;
  /**
   * The masks of all levels that were asked for. Parts do not overlap each other, and entities do
   * not overlap each other. Relations may overlap.
   */
  masks: Mask<Code>[];
}

/** A point prompt has points, a box, or both. It needs at least one of them. */
export interface PointPrompt {
  /** Up to 256 points. Label 1 is inside the thing, and label 0 is outside. Default: none. */
  points?: readonly { x: number; y: number; label: 0 | 1 }[] | undefined;
  /** A box around the thing. */
  box?: Readonly<Box> | undefined;
  /** The logits of an earlier candidate on this photo, which the new points correct. */
  previous?: MaskLogits | undefined;
}

/**
 * Logits are the output of the mask decoder before a threshold is applied. They are on a coarse
 * grid that includes the padding of the photo.
 */
export interface MaskLogits {
  columns: number;
  rows: number;
  /** The values go row by row from the top. Values above 0 are inside the mask. */
  values: Float32Array;
}

/** A candidate is one of the masks that a point or a box can mean. */
export interface Candidate {
  /** The IoU, from 0 to 1, that the network expects between this mask and the real thing. */
  score: number;
  /**
   * SAM's stability score, from 0 to 1. It is high if the mask changes little when its threshold
   * changes.
   */
  stability: number;
  /** True for the candidate that `segment` returns for the same prompt. */
  chosen: boolean;
  /** The area is the number of pixels inside the mask. */
  area: number;
  /** This is the smallest box around the mask. */
  bbox: Box;
  /** The encoding has the photo's size. */
  rle: Rle;
  /** Pass these as `previous`, together with more points, to correct the mask. */
  logits: MaskLogits;
}

/** A prompt says what to segment. Masks in it must have the size of the photo. */
export type Prompt =
  /** Segment the whole photo. */
  | { kind: 'full' }
  /** Segment the region of the photo inside a box, a polygon or a mask. */
  | { kind: 'box'; box: Readonly<Box> }
  | { kind: 'polygon'; points: readonly (readonly [x: number, y: number])[] }
  | { kind: 'mask'; mask: CocoRle }
  /** Find the parts of one entity. */
  | { kind: 'entity'; mask: CocoRle }
  /** Find the relation of two entities. */
  | { kind: 'entities'; masks: readonly [CocoRle, CocoRle] }
  /** Find what is inside one relation. With `levels: ['entity']`, only its entities are found. */
  | { kind: 'relation'; mask: CocoRle }
  /** Find the one entity that points, a box or both mean. */
  | ({ kind: 'points' } & PointPrompt)
  /**
   * Find the one entity that brush strokes mean. There may be up to 16 strokes, over what is wanted
   * (label 1) and over what is not (label 0).
   */
  | {
      kind: 'strokes';
      strokes: readonly { points: readonly (readonly [x: number, y: number])[]; label: 0 | 1 }[];
    }
  /** Find the entity inside a loose outline. Its mask has no pixels outside the outline. */
  | { kind: 'lasso'; points: readonly (readonly [x: number, y: number])[] };

/**
 * The mode says where masks come from. 'learned' uses the level decoders, which have learned parts,
 * entities and relations. 'grid' prompts SAM at every point of a grid and sorts the masks into
 * levels by rules. It takes many times longer and works best with an `inputSize` of 1024. SAM
 * answers point prompts in both modes.
 */
export type Mode = 'learned' | 'grid';

/**
 * Options for the mode 'grid'. Their names and meanings are those of SAM's automatic mask
 * generator.
 */
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
  /** Islands and holes with fewer pixels are removed. Default 0. */
  minMaskRegionArea?: number | undefined;
}

/**
 * The network computes in 32-bit or in 16-bit floats. 16-bit floats have only about three exact
 * digits, but they are faster on many GPUs.
 */
export type Precision = 'f32' | 'f16';

/** Where the network runs. */
export interface Adapter {
  /** The kind of device that the network runs on. */
  device: Device;
  /** The name that the browser gives to the device. It is for people to read. */
  name: string;
  /** True for a WebGPU adapter that computes on the CPU. */
  software: boolean;
  /** The precision in which the network multiplies. */
  precision: Precision;
  /** One sentence that says which device was chosen and why. */
  reason: string;
}

/**
 * How far a call has got. The fraction rises from 0 to 1 and never falls. A call that succeeds ends
 * at 1.
 */
export interface Progress {
  /** The stages belong to the calls `create`, `setImage`, `segment` and `refine`. */
  stage: 'model' | 'image' | 'segment' | 'refine';
  fraction: number;
}

/** The options of every call that takes time. */
export interface CallOptions {
  /** Called as the work goes on. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** If this signal is aborted, the call rejects at once with code 'aborted'. */
  signal?: AbortSignal | undefined;
}

/** A model is given as a file or as its address. Relative addresses are relative to the page. */
export type ModelSource =
  | URL
  | string
  | Uint8Array
  | ArrayBuffer
  | Blob
  | ReadableStream<Uint8Array>
  | Response;

/** The options of `Segmenter.create`. */
export interface SegmenterOptions extends CallOptions {
  /**
   * Default 'auto', which uses WebGPU if it works on real graphics hardware, and otherwise the CPU.
   */
  device?: 'auto' | Device | undefined;
  /**
   * The model file, its address, or a function that gives either. Default: the model in this
   * package.
   */
  model?: ModelSource | (() => ModelSource | Promise<ModelSource>) | undefined;
  /**
   * The SHA-256 that the model file must have, in hexadecimal. The model in this package is always
   * checked.
   */
  sha256?: string | undefined;
  /**
   * Default true. A downloaded model is then kept in the browser's Cache API as long as there is
   * room. It is checked each time it is read.
   */
  cache?: boolean | undefined;
  /**
   * The address of a copy of this package's folder, with `dist`, `wasm` and `models` in it, on the
   * page's own server. esbuild and Rollup need it, because they do not follow
   * `new URL(..., import.meta.url)`. Default: the files are where the bundler has put them.
   */
  assets?: URL | string | undefined;
  /**
   * A function that starts the worker, for pages that must do this themselves. An example is
   * `() => new Worker(address, { type: 'module' })`, with the address of this package's script
   * `aims-web/worker`. The function is called when the segmenter is created and at each restart. It
   * must give a new worker each time, and the segmenter ends that worker. Default: the segmenter
   * starts the script of this package, which must have the page's origin. No worker is needed if
   * `gpu` is given.
   */
  worker?: (() => Worker) | undefined;
  /**
   * A graphics device of the page, on which the network computes. The network then runs on the page
   * in short steps, because a device cannot be sent to a worker. `close` does not destroy the
   * device. After the device is lost, create a segmenter with another one. It is ignored if
   * `device` is 'cpu'.
   */
  gpu?: { adapter: GPUAdapter; device: GPUDevice } | undefined;
  /**
   * The long side of the input, in pixels. Photos are scaled to this size before the network reads
   * them. It must be a multiple of 64, from 64 to 2048. More pixels give finer masks and take more
   * time. Default: what the model file says for the device.
   */
  inputSize?: number | undefined;
  /**
   * Default 'f32'. 'f16' is only a wish: the CPU and GPUs without 16-bit floats still use 'f32'.
   * {@link Adapter.precision} says which one is used.
   */
  precision?: Precision | undefined;
}

/**
 * What `setImage` takes. A Blob is a file in JPEG, PNG, WebP or another format that the browser
 * decodes. It is turned upright by its EXIF orientation. An `<img>` may still be loading. It gives
 * all pixels of its file that the browser has, which can be more than its natural size. A `<video>`
 * gives the frame that it shows. All others give their pixels at the time of the call. Objects of
 * other windows and frames work too.
 */
export type ImageSource =
  | Blob
  | ImageBitmap
  | ImageData
  | HTMLCanvasElement
  | HTMLImageElement
  | HTMLVideoElement
  | OffscreenCanvas
  | VideoFrame;

/** What a browser can do. */
export interface Support {
  /** True if a segmenter can be created, which needs workers and WebAssembly with SIMD. */
  supported: boolean;
  /**
   * Whether WebGPU runs on graphics hardware, only has an adapter that computes on the CPU and is
   * slow, or is missing.
   */
  webgpu: 'hardware' | 'software' | 'none';
  /** One sentence that tells people why. */
  reason: string;
}

/** The events of a segmenter. */
export interface SegmenterEventMap {
  /**
   * The graphics device was lost, or the worker stopped. Calls under way fail. The next call starts
   * a new worker and encodes its image again.
   */
  devicelost: CustomEvent<SegmenterError>;
  /** A new worker has taken over, on the device that `detail` describes. */
  restored: CustomEvent<Adapter>;
}

/** The options of `segment`. */
export interface SegmentOptions extends CallOptions {
  /** The levels whose masks are wanted. Default: all three, as far as the prompt allows. */
  levels?: readonly Level[] | undefined;
  /** What to segment. Default: the whole photo. */
  prompt?: Prompt | undefined;
  /** Default: 'learned' if the model file has level decoders, otherwise 'grid'. */
  mode?: Mode | undefined;
  /**
   * In the mode 'learned', masks with a lower score than this are left out. It is from 0 to 1.
   * Default: what the model file says, which is 0.01 for the models of this package.
   */
  minScore?: number | undefined;
  /**
   * In the mode 'learned', the network makes at most this many queries, from 1 to 192, in whole
   * rounds of 8. Default: 48. Simple photos need fewer. On busy photos, more queries find more
   * small parts and take more time.
   */
  maxQueries?: number | undefined;
  /** The options of the mode 'grid'. */
  grid?: GridOptions | undefined;
}
