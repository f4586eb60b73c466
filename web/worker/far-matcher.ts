import { matcherScript } from 'procmem:matcher';

import type { Matched, MatcherStart } from './matcher.js';

/** A thread that matches a regular expression, so that one which never comes back can be ended. */
export class FarMatcher {
  readonly #worker = startMatcher();
  #give: (matched: Matched | null) => void = () => {};
  #fail: (error: Error) => void = () => {};
  #ended = false;

  /** @param expression compiles: it was tried */
  constructor(expression: MatcherStart) {
    this.#worker.onmessage = ({ data }: MessageEvent<Matched>) => this.#give(data);
    this.#worker.onerror = ({ message }) =>
      this.#fail(new Error(message || 'no thread to match in'));
    this.#worker.postMessage(expression);
  }

  /**
   * Where the matches in these bytes are, and how long; null when it was ended meanwhile.
   *
   * @throws {Error} the browser could not start the thread, or matching took more memory than it has
   */
  find(bytes: Uint8Array): Promise<Matched | null> {
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#give = resolve;
      this.#fail = reject;
      this.#worker.postMessage(bytes);
    });
  }

  /** Ends the thread, wherever it is. */
  end(): void {
    this.#ended = true;
    this.#worker.terminate();
    this.#give(null);
  }
}

function startMatcher(): Worker {
  if (matcherScript === null) {
    return new Worker(new URL('./matcher.js', import.meta.url), { type: 'module' });
  }
  const url = URL.createObjectURL(new Blob([matcherScript], { type: 'text/javascript' }));
  return new Worker(url);
}
