// Messages between the facade and the worker. Each request has a number that its answer repeats.
import type { ErrorData } from '../common/errors.js';
import type { Candidate, Device, GridOptions, Level, MemoryUsage, Mode, PointPrompt, Precision, Prompt, Scene } from '../common/types.js';
import type { Model } from '../model/load.js';

/**
 * An encoded file, or upright RGBA pixels (8 bits, not premultiplied, rows from the top). As Blobs they are sent without a copy, and again
 * after a restart.
 */
export type ImagePayload = { format: 'file'; file: Blob } | { format: 'rgba'; pixels: Blob; width: number; height: number };

export interface SegmentRequest {
  levels?: readonly Level[];
  prompt?: Prompt;
  mode?: Mode;
  minScore?: number;
  maxQueries?: number;
  grid?: GridOptions;
}

/** What the worker's own look at WebGPU gave, before any attempt to compute with it. */
export interface GpuReport {
  kind: 'none' | 'software' | 'hardware';
  /** The adapter's name, or, for 'none', what is missing. */
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

/** What can be asked of the worker and what each question is answered with. */
export interface Calls {
  /** Answered as soon as the worker runs; it loads the program meanwhile. */
  begin: { args: Record<never, never>; result: null };
  inspectGpu: { args: Record<never, never>; result: GpuReport };
  createEngine: { args: { device: Device; model: Model; inputSize: number | undefined; precision: Precision }; result: EngineInfo };
  setImage: { args: { image: ImagePayload }; result: ImageInfo };
  segment: { args: { imageId: number; request: SegmentRequest }; result: Scene };
  candidates: { args: { imageId: number; prompt: PointPrompt }; result: Candidate[] };
  memory: { args: Record<never, never>; result: MemoryUsage };
  closeImage: { args: { imageId: number }; result: null };
}

export type CallName = keyof Calls;

export type Request = { [C in CallName]: { type: 'call'; id: number; call: C; args: Calls[C]['args'] } }[CallName];

export type ToWorker = Request | { type: 'abort'; id: number };

export type FromWorker =
  | { type: 'progress'; id: number; fraction: number }
  | { type: 'result'; id: number; result: Calls[CallName]['result'] }
  | { type: 'error'; id: number; error: ErrorData }
  /** The graphics device is gone, whether or not a call was using it. */
  | { type: 'lost'; message: string }
  /** The wasm instance is unusable: nothing more will be answered. */
  | { type: 'crash'; message: string };
