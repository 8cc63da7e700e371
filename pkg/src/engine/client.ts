// The client sends calls to the host and settles their promises when the answers arrive.
import { abortedError, SegmenterError } from '../common/errors.js';
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

/**
 * A client has one worker (or the page in its place) and the calls under way in it. It cannot be
 * used again once it has ended: another worker needs another client.
 */
export class WorkerClient {
  readonly #port: Port;
  readonly #onEnd: (error: SegmenterError) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #end: SegmenterError | undefined;

  /** Calls `onEnd` with the reason if the worker ends without having been asked to. */
  constructor(open: OpenPort, onEnd: (error: SegmenterError) => void) {
    this.#onEnd = onEnd;
    this.#port = open({
      message: (message) => this.#receive(message),
      failed: (error) => this.#fail(error),
    });
  }

  /** This is the reason why the worker ended. It is undefined as long as the worker runs. */
  get ended(): SegmenterError | undefined {
    return this.#end;
  }

  /** This counts the calls that are not answered yet. Only tests read it. */
  get waiting(): number {
    return this.#pending.size;
  }

  /**
   * Sends a call. The worker runs calls in the order in which they are made. If a call is aborted,
   * its promise rejects at once, and the worker stops the work at its next checkpoint.
   */
  call<C extends CallName>(
    call: C,
    args: Calls[C]['args'],
    settings: CallSettings = {},
  ): Promise<Calls[C]['result']> {
    const { onFraction, signal } = settings;
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end);
      if (signal?.aborted) return reject(abortedError(signal));
      const id = this.#nextId++;
      const abort = () => {
        // The worker does not answer a call that is aborted before its turn, so the call is
        // removed here.
        this.#take(id);
        this.#port.post({ type: 'abort', id });
        if (signal) reject(abortedError(signal));
      };
      const stopListening = () => signal?.removeEventListener('abort', abort);
      try {
        // The type of `args` follows from `call`, but TypeScript cannot see that in a union.
        this.#port.post({ type: 'call', id, call, args } as ToWorker);
      } catch (cause) {
        return reject(
          new SegmenterError('invalid-prompt', 'The call holds something other than plain data.', {
            cause,
          }),
        );
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
    if (message.type === 'progress')
      return this.#pending.get(message.id)?.onFraction?.(message.fraction);
    const pending = this.#take(message.id);
    if (message.type === 'error') {
      const error = new SegmenterError(message.error.code, message.error.message);
      pending?.reject(error);
      // Everything on a lost device is lost with it, so this client ends.
      if (error.code === 'device-lost') this.#fail(error);
    } else if (pending) {
      pending.resolve(message.result as never);
    } else if (message.result && 'imageId' in message.result) {
      // The worker had encoded the image before it heard of the abort. Nobody else can close it.
      void this.call('closeImage', { imageId: message.result.imageId }).catch(() => {});
    }
  }

  /** Gives the call of this number, if it still waits for an answer, and removes it. */
  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.stopListening();
    return pending;
  }
}
