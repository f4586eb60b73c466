import { useEffect, useState } from 'preact/hooks';

import type { CallArgs, CallName, CallResult, Client } from './client.js';
import { Cancelled, type Failure } from './message.js';
import { failureOf, useOpening } from './opening.js';
import { Store, useStore } from './store.js';

/** Rises when the page changed memory or tasks: what follows it asks again. */
const changes = new Store(0);

/** Says that memory or tasks changed: panels that use useRemote() ask again. */
export function announceChange(): void {
  changes.set(changes.value + 1);
}

/** How often something changed so far: a key for what was read before. */
export function useChanges(): number {
  return useStore(changes);
}

/** What a call gave, so far. */
export interface Remote<T> {
  /** The last answer; kept while a new one is on its way, so that nothing jumps. */
  readonly value: T | null;
  readonly failure: Failure | null;
  readonly busy: boolean;
}

/**
 * The answer of a handler, asked again when the arguments, the machine or anything in it change.
 *
 * @param args null asks nothing
 */
export function useRemote<N extends CallName>(
  client: Client,
  name: N,
  args: CallArgs<N> | null,
): Remote<CallResult<N>> {
  const [state, setState] = useState<Remote<CallResult<N>>>({
    value: null,
    failure: null,
    busy: args !== null,
  });
  const { count } = useOpening();
  const key = args === null ? null : JSON.stringify(args);
  const changed = useChanges();
  useEffect(() => {
    if (args === null) return setState({ value: null, failure: null, busy: false });
    const abort = new AbortController();
    setState((before) => ({ ...before, busy: true }));
    client.call(name, args, { signal: abort.signal }).then(
      (value) => setState({ value, failure: null, busy: false }),
      (error: unknown) => {
        if (error instanceof Cancelled) return;
        setState({ value: null, failure: failureOf(error), busy: false });
      },
    );
    return () => abort.abort();
  }, [client, name, key, count, changed]);
  return state;
}
