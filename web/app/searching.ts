import type { Found, SearchArgs, SearchProgress } from '../worker/search.js';
import type { Client } from './client.js';
import { Cancelled, type Failure } from './message.js';
import { failureOf } from './opening.js';
import { Store } from './store.js';

/** The search of this page: it goes on when another panel is shown. */
export interface Searching {
  readonly args: SearchArgs | null;
  readonly found: readonly Found[];
  readonly done: number;
  readonly total: number;
  readonly state: 'none' | 'running' | 'complete' | 'cancelled' | 'failed';
  readonly failure: Failure | null;
  /** Seconds it took so far. */
  readonly seconds: number;
}

const NONE: Searching = {
  args: null,
  found: [],
  done: 0,
  total: 0,
  state: 'none',
  failure: null,
  seconds: 0,
};

/** The last search. */
export const searching = new Store<Searching>(NONE);

let abort: AbortController | null = null;

/** Ends the search that runs; what was found stays. */
export function cancelSearch(): void {
  abort?.abort();
}

/** Forgets the last search: another machine was opened. */
export function forgetSearch(): void {
  cancelSearch();
  searching.set(NONE);
}

/** Starts a search; the one before it ends. */
export function startSearch(client: Client, args: SearchArgs): void {
  cancelSearch();
  const own = new AbortController();
  abort = own;
  const started = performance.now();
  let now: Searching = { ...NONE, args, state: 'running' };
  const show = (change: Partial<Searching>): void => {
    now = { ...now, ...change, seconds: (performance.now() - started) / 1000 };
    if (abort === own) searching.set(now);
  };
  show({});
  const onProgress = (step: unknown): void => {
    const { done, total, found } = step as SearchProgress;
    show({ done, total, found: found.length === 0 ? now.found : [...now.found, ...found] });
  };
  client.call('search.run', args, { signal: own.signal, onProgress }).then(
    () => show({ state: 'complete' }),
    (error: unknown) => {
      if (error instanceof Cancelled) show({ state: 'cancelled' });
      else show({ state: 'failed', failure: failureOf(error) });
    },
  );
}
