// These are the messages between client and host. Each call has a number, which the answer repeats.
import type { ErrorData } from '../common/errors.js';
import type { Matte, RefineOptions } from '../common/matte.js';
import type {
  Candidate,
  CocoRle,
  Device,
  GridOptions,
  Level,
  MemoryUsage,
  Mode,
  PointPrompt,
  Precision,
  Prompt,
  Scene,
} from '../common/types.js';
import type { Model } from '../model/load.js';
import type { ImagePayload } from '../photo/image-source.js';

export interface SegmentRequest {
  levels?: readonly Level[];
  prompt?: Prompt;
  mode?: Mode;
  minScore?: number;
  maxQueries?: number;
  grid?: GridOptions;
}

export type RefineSettings = Pick<RefineOptions, 'radius' | 'hair' | 'colors' | 'zoom'>;

/** This is what the host found when it looked for WebGPU, before it tried to compute on it. */
export interface GpuReport {
  kind: 'none' | 'software' | 'hardware';
  /** The adapter's name. For 'none' it says what is missing. */
  detail: string;
}

export interface EngineInfo {
  device: Device;
  name: string;
  software: boolean;
  precision: Precision;
}

export interface ImageInfo {
  imageId: number;
  width: number;
  height: number;
}

/** These are the calls that a host answers, each with its arguments and its result. */
export interface Calls {
  /** The host answers this as soon as it runs, and begins to load the program. */
  begin: { args: Record<never, never>; result: null };
  inspectGpu: { args: Record<never, never>; result: GpuReport };
  createEngine: {
    args: { device: Device; model: Model; inputSize: number | undefined; precision: Precision };
    result: EngineInfo;
  };
  setImage: { args: { image: ImagePayload }; result: ImageInfo };
  segment: { args: { imageId: number; request: SegmentRequest }; result: Scene };
  candidates: { args: { imageId: number; prompt: PointPrompt }; result: Candidate[] };
  /**
   * The host keeps the pixels of the last photo. It takes the photo from `image` only if it does not
   * have them. `photoId` is the client's number for the photo and is not the number of an image.
   */
  refine: {
    args: { photoId: number; image: ImagePayload; mask: CocoRle; options: RefineSettings };
    result: Matte;
  };
  memory: { args: Record<never, never>; result: MemoryUsage };
  closeImage: { args: { imageId: number }; result: null };
  closePhoto: { args: { photoId: number }; result: null };
}

export type CallName = keyof Calls;

export type Request = {
  [C in CallName]: { type: 'call'; id: number; call: C; args: Calls[C]['args'] };
}[CallName];

export type ToWorker = Request | { type: 'abort'; id: number };

export type FromWorker =
  | { type: 'progress'; id: number; fraction: number }
  | { type: 'result'; id: number; result: Calls[CallName]['result'] }
  | { type: 'error'; id: number; error: ErrorData }
  /** The graphics device was lost, whether or not a call was using it. */
  | { type: 'lost'; message: string }
  /** The program has failed, and the host will answer nothing more. */
  | { type: 'crash'; message: string };
