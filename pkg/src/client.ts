import { SegmenterError, abortedError } from './errors.js';
import type { CallName, Calls, FromWorker, ToWorker } from './protocol.js';

interface Pending {
  resolve: (result: never) => void;
  reject: (error: SegmenterError) => void;
  onFraction: ((fraction: number) => void) | undefined;
  abandoned: boolean;
  stopListening: () => void;
}

export interface CallSettings {
  onFraction?: ((fraction: number) => void) | undefined;
  signal?: AbortSignal | undefined;
  transfer?: Transferable[] | undefined;
}

/** One worker and the calls under way in it. Once ended it stays so; a successor needs a new client. */
export class WorkerClient {
  readonly #worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'aims-web' });
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #end: SegmenterError | undefined;

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#worker.onmessageerror = () => this.end(stopped('a message could not be read'));
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.end(stopped(event.message || 'its script could not be loaded'));
    };
  }

  /** Why the worker ended; undefined while it lives. */
  get ended(): SegmenterError | undefined {
    return this.#end;
  }

  /** Calls run in the order made. Aborting rejects at once; the worker then stops at its next checkpoint. */
  call<C extends CallName>(call: C, args: Calls[C]['args'], settings: CallSettings = {}): Promise<Calls[C]['result']> {
    const { onFraction, signal, transfer = [] } = settings;
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      if (signal?.aborted) return reject(abortedError(signal));
      const id = this.#nextId++;
      const abort = () => {
        pending.abandoned = true;
        this.#post({ type: 'abort', id });
        if (signal) reject(abortedError(signal));
      };
      const stopListening = () => signal?.removeEventListener('abort', abort);
      const pending: Pending = { resolve, reject, onFraction, abandoned: false, stopListening };
      try {
        // `args` belongs to `call`; TypeScript cannot follow that through the union.
        this.#post({ type: 'call', id, call, args } as ToWorker, transfer);
      } catch (cause) {
        return reject(new SegmenterError('invalid-prompt', 'The call holds something other than plain data.', { cause }));
      }
      this.#pending.set(id, pending);
      signal?.addEventListener('abort', abort);
    });
  }

  /** Stops the worker, which frees all its memory, and rejects the calls under way. */
  end(error: SegmenterError): void {
    if (this.#end) return;
    this.#end = error;
    this.#worker.terminate();
    for (const { reject, stopListening } of this.#pending.values()) {
      stopListening();
      reject(error);
    }
    this.#pending.clear();
  }

  #post(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    if (message.type === 'crash') return this.end(stopped(message.message));
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    if (message.type === 'progress') {
      if (!pending.abandoned) pending.onFraction?.(message.fraction);
      return;
    }
    this.#pending.delete(message.id);
    pending.stopListening();
    if (message.type === 'error') {
      const error = new SegmenterError(message.error.code, message.error.message);
      pending.reject(error);
      // Nothing on a lost device can be used again.
      if (error.code === 'device-lost') this.end(error);
    } else if (!pending.abandoned) {
      pending.resolve(message.result as never);
    } else if (message.result && 'imageId' in message.result) {
      // Finished before the abort arrived: nobody will ever close this image.
      void this.call('closeImage', { imageId: message.result.imageId }).catch(() => {});
    }
  }
}

const stopped = (why: string): SegmenterError =>
  new SegmenterError('internal', `The segmentation worker stopped unexpectedly: ${why}. Set the image again to go on; it restarts by itself.`);
