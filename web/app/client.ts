import type { Handlers } from '../worker/handlers.js';
import { Cancelled, type Failure, RemoteError, type Request, type Response } from './message.js';
import { Store } from './store.js';

/** The name of something the worker can do. */
export type CallName = keyof Handlers;
/** What it is given. */
export type CallArgs<N extends CallName> = Parameters<Handlers[N]>[1];
/** What it gives. */
export type CallResult<N extends CallName> = Awaited<ReturnType<Handlers[N]>>;
/** What it reports on its way: the argument of `call.progress()`. */
export interface CallOptions {
  /** Ends the call early: it rejects with {@link Cancelled}. */
  readonly signal?: AbortSignal;
  /** Told of each step that the handler reports. */
  onProgress?(progress: unknown): void;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
  onProgress(progress: unknown): void;
}

/**
 * Calls into the worker that owns the machine.
 *
 * @example
 * const rows = await client.call('tasks.list', {});
 */
export class Client {
  /** Why the worker is gone; null while it lives. From then on each call fails with it. */
  readonly failure = new Store<Failure | null>(null);
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Response>) => this.#take(data);
    worker.onerror = (event) => this.#fail(event.message || 'the worker could not be started');
  }

  /**
   * @throws {RemoteError} what the handler threw
   * @throws {Cancelled} `options.signal` ended it
   */
  call<N extends CallName>(
    name: N,
    args: CallArgs<N>,
    options: CallOptions = {},
  ): Promise<CallResult<N>> {
    const id = ++this.#lastId;
    const { signal, onProgress = () => {} } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(new Cancelled(name));
      const { value: failure } = this.failure;
      if (failure !== null) return reject(new RemoteError(failure));
      const cancel = (): void => {
        this.#waiting.delete(id);
        this.#send({ id, cancel: true });
        reject(new Cancelled(name));
      };
      signal?.addEventListener('abort', cancel, { once: true });
      const ended = (): void => signal?.removeEventListener('abort', cancel);
      this.#waiting.set(id, {
        resolve: (result) => (ended(), resolve(result as CallResult<N>)),
        reject: (error) => (ended(), reject(error)),
        onProgress,
      });
      this.#send({ id, name, args });
    });
  }

  /**
   * Tells the worker something that nobody waits for. Only a worker that is gone fails here, which
   * {@link failure} says.
   */
  tell<N extends CallName>(name: N, args: CallArgs<N>): void {
    this.call(name, args).catch((error: unknown) => {
      if (this.failure.value === null) throw error;
    });
  }

  #send(request: Request): void {
    this.#worker.postMessage(request);
  }

  #take(response: Response): void {
    const waiting = this.#waiting.get(response.id);
    if (waiting === undefined) return; // cancelled meanwhile
    if ('progress' in response) return waiting.onProgress(response.progress);
    this.#waiting.delete(response.id);
    if ('error' in response) waiting.reject(new RemoteError(response.error));
    else waiting.resolve(response.result);
  }

  #fail(message: string): void {
    const failure = { name: 'Error', message, code: null, file: null, offset: null };
    this.failure.set(failure);
    for (const { reject } of this.#waiting.values()) reject(new RemoteError(failure));
    this.#waiting.clear();
  }
}
