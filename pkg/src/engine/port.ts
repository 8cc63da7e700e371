// The place where the engine runs, as the client sees it: a worker or the page.
import type { SegmenterError } from '../common/errors.js';
import type { FromWorker, ToWorker } from './protocol.js';

export interface PortEvents {
  message: (message: FromWorker) => void;
  /** Nothing will be answered any more. */
  failed: (error: SegmenterError) => void;
}

export interface Port {
  post(message: ToWorker): void;
  /** Frees all memory. */
  end(): void;
  /** What is told where the program stopped by itself. */
  stopped(why: string): SegmenterError;
  /** What is told where the graphics device was lost. */
  lost(why: string): SegmenterError;
}

/** @throws {SegmenterError} 'unsupported-environment' where it is known at once that nothing can run. */
export type OpenPort = (events: PortEvents) => Port;
