// The program that runs in the worker. It goes on while other panels are looked at, so it is kept here.
import type { RunEnd, RunProgress } from '../worker/guest-run.js';
import type { RunArgs, RunStarted } from '../worker/guest.js';
import type { Client } from './client.js';
import type { Failure } from './message.js';
import { failureOf, opening } from './opening.js';
import { announceChange } from './remote.js';
import { select, selection } from './selection.js';
import { Store } from './store.js';

/** What there is to know of the run, but for what it wrote. */
export interface Running {
  readonly state: 'none' | 'starting' | 'running' | 'paused' | 'ended';
  /** Why it is paused. */
  readonly why: 'asked' | 'fault' | null;
  readonly pc: bigint | null;
  readonly pid: number;
  readonly end: RunEnd | null;
  readonly failure: Failure | null;
}

const NOTHING: Running = {
  state: 'none',
  why: null,
  pc: null,
  pid: 0,
  end: null,
  failure: null,
};

/** Bytes of output, and lines of system calls, that are kept. */
const KEPT_BYTES = 512 * 1024;
const KEPT_LINES = 2000;

/** The run there is. */
export const running = new Store<Running>(NOTHING);
/** Its last system calls. */
export const callLines = new Store<readonly string[]>([]);
/** All that it wrote, for a terminal that comes later. */
let written: Uint8Array[] = [];
let writtenBytes = 0;

/** A terminal that shows what a program writes. */
export interface Screen {
  /** `shown` is called when it is on the screen. */
  write(bytes: Uint8Array, shown: () => void): void;
  clear(): void;
}

let screen: Screen | null = null;

/** Has a terminal show the run: what was written already, and what will be. Null: none does. */
export function showOn(next: Screen | null): void {
  screen = next;
  for (const bytes of written) next?.write(bytes, () => {});
}

/** Whether a run is under way. */
export function isRunning({ state }: Running): boolean {
  return state === 'running' || state === 'paused';
}

/** Which run is the latest: an earlier one has nothing to say any more. */
let latest = 0;

/** Runs a program to its end. Failures are in the store. */
export async function runProgram(client: Client, args: RunArgs): Promise<void> {
  const id = ++latest;
  written = [];
  writtenBytes = 0;
  screen?.clear();
  callLines.set([]);
  running.set({ ...NOTHING, state: 'starting' });
  const onProgress = (progress: unknown): void => {
    if (id === latest) take(client, progress as RunProgress & Partial<RunStarted>);
  };
  try {
    const end = await client.call('guest.run', args, { onProgress });
    if (id !== latest) return;
    running.set({ ...running.value, state: 'ended', why: null, end });
  } catch (error) {
    if (id !== latest) return;
    running.set({ ...NOTHING, failure: failureOf(error) });
  }
  announceChange();
}

function take(client: Client, progress: RunProgress & Partial<RunStarted>): void {
  const { info, started, output, calls, paused } = progress;
  if (info !== undefined) {
    opening.set({ info, busy: null, failure: null, count: opening.value.count + 1 });
    select({ ...selection.value, task: info.firstTask, addr: null, as: 0 }, 'replace');
  }
  if (started !== undefined) running.set({ ...running.value, state: 'running', pid: started });
  if (calls !== undefined && calls !== '') {
    callLines.set([...callLines.value, ...calls.trimEnd().split('\n')].slice(-KEPT_LINES));
  }
  if (output !== undefined) {
    keep(output);
    const count = output.length + (calls?.length ?? 0);
    const seen = (): void => client.tell('guest.seen', { count });
    if (screen === null || output.length === 0) seen();
    else screen.write(output, seen);
  }
  if (paused === undefined) return;
  const state = paused === null ? 'running' : 'paused';
  running.set({ ...running.value, state, why: paused, pc: progress.pc ?? null });
  announceChange();
}

function keep(bytes: Uint8Array): void {
  written.push(bytes);
  writtenBytes += bytes.length;
  while (writtenBytes > KEPT_BYTES && written.length > 1) {
    writtenBytes -= written.shift()?.length ?? 0;
  }
}
