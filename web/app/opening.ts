import type { SessionInfo } from '../worker/session.js';
import type { Client } from './client.js';
import { type Failure, RemoteError } from './message.js';
import { select, selection } from './selection.js';
import { Store, useStore } from './store.js';

/** What is open, and how the last attempt to open something went. */
export interface Opening {
  readonly info: SessionInfo | null;
  /** What is being opened just now; null when nothing is. */
  readonly busy: string | null;
  readonly failure: Failure | null;
  /** Rises each time something was opened: everything known before is stale. */
  readonly count: number;
}

/** What the page has open. */
export const opening = new Store<Opening>({ info: null, busy: null, failure: null, count: 0 });

/** Follows what is open. */
export function useOpening(): Opening {
  return useStore(opening);
}

/** Opens a core or a snapshot with the files it names. Failures are in the store. */
export function openFiles(client: Client, files: readonly File[]): Promise<void> {
  const busy = files.map(({ name }) => name).join(', ');
  return attempt(busy, () => client.call('open.files', { files }), false);
}

/**
 * Opens a machine that comes with the page.
 *
 * @param keep whether the selection of the address bar stays: a link led here
 */
export function openDemo(client: Client, name: string, keep = false): Promise<void> {
  return attempt(`demo ${name}`, () => client.call('open.demo', { name }), keep);
}

async function attempt(
  busy: string,
  open: () => Promise<SessionInfo>,
  keep: boolean,
): Promise<void> {
  opening.set({ ...opening.value, busy, failure: null });
  try {
    const info = await open();
    opening.set({ info, busy: null, failure: null, count: opening.value.count + 1 });
    if (keep && selection.value.task !== 0) return;
    const panel = keep && selection.value.panel !== 'open' ? selection.value.panel : 'map';
    select({ panel, task: info.firstTask, addr: null, as: 0 }, keep ? 'replace' : 'push');
  } catch (error) {
    opening.set({ ...opening.value, busy: null, failure: failureOf(error) });
    if (!keep) select({ panel: 'open' });
  }
}

/** An error as something to show. */
export function failureOf(error: unknown): Failure {
  if (error instanceof RemoteError) return error.failure;
  const message = error instanceof Error ? error.message : String(error);
  return { name: 'Error', message, code: null, file: null, offset: null };
}
