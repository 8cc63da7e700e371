// A port connects the client to the place where the program runs: a worker or the page.
import type { SegmenterError } from '../common/errors.js';
import type { FromWorker, ToWorker } from './protocol.js';

export interface PortEvents {
  message: (message: FromWorker) => void;
  /** This is called when the worker or the page has failed and will answer nothing more. */
  failed: (error: SegmenterError) => void;
}

export interface Port {
  post(message: ToWorker): void;
  /** Stops the program and frees its memory. */
  end(): void;
  /** Makes the error for a program that has stopped without having been asked to. */
  stopped(why: string): SegmenterError;
  /** Makes the error for a graphics device that was lost. */
  lost(why: string): SegmenterError;
}

/**
 * Starts the worker, or the program on the page.
 *
 * @throws {SegmenterError} 'unsupported-environment' if the browser refuses at once.
 */
export type OpenPort = (events: PortEvents) => Port;
