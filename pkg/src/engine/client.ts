import { SegmenterError, abortedError } from '../common/errors.js';
import type { OpenPort, Port } from './port.js';
import type { CallName, Calls, FromWorker, ToWorker } from './protocol.js';

interface Pending {
  resolve: (result: never) => void;
  reject: (error: SegmenterError) => void;
  onFraction: ((fraction: number) => void) | undefined;
  stopListening: () => void;
}

export interface CallSettings {
  onFraction?: ((fraction: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** One worker and the calls under way in it. Once ended it stays so; a successor needs a new client. */
export class WorkerClient {
  readonly #port: Port;
  readonly #onEnd: (error: SegmenterError) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #end: SegmenterError | undefined;

  /** `onEnd` is told why, when the worker ends without having been asked to. */
  constructor(open: OpenPort, onEnd: (error: SegmenterError) => void) {
    this.#onEnd = onEnd;
    this.#port = open({ message: (message) => this.#receive(message), failed: (error) => this.#fail(error) });
  }

  /** Why the worker ended; undefined while it lives. */
  get ended(): SegmenterError | undefined {
    return this.#end;
  }

  /** How many calls are kept until they are answered. Tests read it. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** Calls run in the order made. Aborting rejects at once; the worker then stops at its next checkpoint. */
  call<C extends CallName>(call: C, args: Calls[C]['args'], settings: CallSettings = {}): Promise<Calls[C]['result']> {
    const { onFraction, signal } = settings;
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      if (signal?.aborted) return reject(abortedError(signal));
      const id = this.#nextId++;
      const abort = () => {
        // The worker does not answer a call that is aborted before its turn, so the call is forgotten here and now.
        this.#take(id);
        this.#port.post({ type: 'abort', id });
        if (signal) reject(abortedError(signal));
      };
      const stopListening = () => signal?.removeEventListener('abort', abort);
      try {
        // `args` belongs to `call`; TypeScript cannot follow that through the union.
        this.#port.post({ type: 'call', id, call, args } as ToWorker);
      } catch (cause) {
        return reject(new SegmenterError('invalid-prompt', 'The call holds something other than plain data.', { cause }));
      }
      this.#pending.set(id, { resolve, reject, onFraction, stopListening });
      signal?.addEventListener('abort', abort);
    });
  }

  /** Stops the worker, which frees all its memory, and rejects the calls under way. */
  end(error: SegmenterError): void {
    if (this.#end) return;
    this.#end = error;
    this.#port.end();
    for (const { reject, stopListening } of this.#pending.values()) {
      stopListening();
      reject(error);
    }
    this.#pending.clear();
  }

  #fail(error: SegmenterError): void {
    if (this.#end) return;
    this.end(error);
    this.#onEnd(error);
  }

  #receive(message: FromWorker): void {
    if (message.type === 'crash') return this.#fail(this.#port.stopped(message.message));
    if (message.type === 'lost') return this.#fail(this.#port.lost(message.message));
    if (message.type === 'progress') return this.#pending.get(message.id)?.onFraction?.(message.fraction);
    const pending = this.#take(message.id);
    if (message.type === 'error') {
      const error = new SegmenterError(message.error.code, message.error.message);
      pending?.reject(error);
      // Nothing on a lost device can be used again.
      if (error.code === 'device-lost') this.#fail(error);
    } else if (pending) {
      pending.resolve(message.result as never);
    } else if (message.result && 'imageId' in message.result) {
      // Finished before the abort arrived: nobody will ever close this image.
      void this.call('closeImage', { imageId: message.result.imageId }).catch(() => {});
    }
  }

  /** The call of this number, if one waits; it waits no longer. */
  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.stopListening();
    return pending;
  }
}
