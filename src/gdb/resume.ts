// Attaching, stopping and going on. A thread that runs on a CPU executes a slice at a time, when the embedder
// advances the session. What has no CPU waits until a watchpoint is hit, or the client interrupts it.
import { EINVAL, ENOSPC, EOPNOTSUPP } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { hexArgument, sizeArgument, threadArgument } from './arguments.js';
import { forgetAllocations } from './memory.js';
import { hexNumber, hexOf } from './packet.js';
import { gdbSignal } from './signals.js';
import type { SessionState, Stop, ThreadName } from './state.js';
import type { TargetWatchKind } from './target.js';

const SIGINT = 2;
const SIGTRAP = 5;
const SIGKILL = 9;
/** Watchpoints a client may set, and the bytes of the longest. */
const MAX_WATCHES = 64;
const MAX_WATCH_LENGTH = 0x100000;
/** Instructions of a thread in one slice: a few milliseconds. */
const SLICE = 500_000;

/** What the second character of `Z` and `z` asks for, and how a stop reply names it. */
const WATCH_KINDS: Readonly<Record<string, readonly [kind: TargetWatchKind, word: string]>> = {
  2: ['write', 'watch'],
  3: ['read', 'rwatch'],
  4: ['access', 'awatch'],
};

/** `?`: why the target stopped. */
export function stopReason(state: SessionState): string {
  const { lastStop } = state;
  if (lastStop !== null && state.findThread(lastStop) !== null) return stopReply(state, lastStop);
  if (state.attached.size === 0) return 'W00';
  const thread = state.thread();
  return stopReply(state, { ...thread, signal: 0, watch: '' });
}

function stopReply(state: SessionState, { pid, tid, signal, watch }: Stop): string {
  // A thread that no signal stopped was stopped by the debugger.
  const shown = signal === 0 ? SIGTRAP : signal;
  const number = state.lldb ? shown : gdbSignal(shown);
  const threads = state.lldb
    ? `threads:${state.target
        .threads(pid)
        .map((thread) => hexNumber(thread.tid))
        .join(',')};`
    : '';
  return `T${hexNumber(number, 2)}${watch}thread:${state.nameOf({ pid, tid })};${threads}`;
}

/** `c`, `s` and what `vCont` makes of them. */
export function resume(state: SessionState, steps: boolean, thread = state.thread()): string {
  if (!steps) {
    state.running = true;
    return '';
  }
  // Where there is no CPU it stops again at the same place.
  const run = state.target.run?.(thread.tid, 1) ?? { kind: 'fuel' };
  if (run.kind === 'gone') return goneReply(state, thread.pid, run.status);
  const signal = run.kind === 'signal' ? run.signal : SIGTRAP;
  return stopWith(state, { ...thread, signal, watch: '' });
}

/** Whether any thread that the client looks at can run. */
export function canRun(state: SessionState): boolean {
  const { target } = state;
  return state.threads().some(({ tid }) => (target.run?.(tid, 0) ?? null) !== null);
}

/**
 * Lets every thread execute a slice, or until one of them stops.
 *
 * @returns the stop reply; null while they go on; undefined where none of them can run
 */
export function runSlice(state: SessionState): string | null | undefined {
  let ran = false;
  for (const { pid, tid } of state.threads()) {
    const run = state.target.run?.(tid, SLICE) ?? null;
    ran ||= run !== null;
    // A watchpoint that was hit has stopped it, and was said.
    if (!state.running) return null;
    if (run?.kind === 'gone' && state.target.threads(pid).length === 0) {
      return goneReply(state, pid, run.status);
    }
    if (run?.kind === 'signal') return stopWith(state, { pid, tid, signal: run.signal, watch: '' });
  }
  return ran ? null : undefined;
}

/** `W` for a process that exited, `X` for one that a signal ended. @param status as wait(2) gives it */
function goneReply(state: SessionState, pid: number, status: number): string {
  state.running = false;
  state.detach(pid);
  const signal = status & 0x7f;
  const number = state.lldb || signal === 0 ? signal : gdbSignal(signal);
  const how = signal === 0 ? `W${hexNumber(status >> 8, 2)}` : `X${hexNumber(number, 2)}`;
  return `${how}${state.multiprocess ? `;process:${hexNumber(pid)}` : ''}`;
}

/** `vCont;ACTION:THREAD;…`. */
export function resumeThreads(state: SessionState, args: string): string {
  let steps: ThreadName | null = null;
  for (const action of args.split(';')) {
    const match = /^([cCsSt])([0-9a-fA-F]{2})?(?::(.+))?$/.exec(action);
    const [, kind = '', signal, thread] = match ?? fail(EINVAL);
    if ('CS'.includes(kind) !== (signal !== undefined)) fail(EINVAL);
    const named = thread === undefined ? state.thread() : threadArgument(state, thread);
    if (named !== null && 'sSt'.includes(kind)) steps ??= named;
  }
  return resume(state, steps !== null, steps ?? state.thread());
}

function stopWith(state: SessionState, stop: Stop): string {
  state.running = false;
  state.lastStop = stop;
  state.current = { pid: stop.pid, tid: stop.tid };
  return stopReply(state, stop);
}

/** The client interrupts a running target. @returns null when it does not run */
export function interrupt(state: SessionState): string | null {
  if (!state.running) return null;
  return exitReply(state) ?? stopWith(state, { ...state.thread(), signal: SIGINT, watch: '' });
}

/** What is to be said when a process of a running target is gone; null when none is. */
export function exitReply(state: SessionState): string | null {
  if (!state.running) return null;
  const gone = [...state.attached].find((pid) => state.target.threads(pid).length === 0);
  if (gone === undefined) return null;
  state.running = false;
  state.detach(gone);
  return killedReply(state, gone);
}

function killedReply(state: SessionState, pid: number): string {
  return `X${hexNumber(SIGKILL, 2)}${state.multiprocess ? `;process:${hexNumber(pid)}` : ''}`;
}

/** `vAttach;PID`. */
export function attach(state: SessionState, args: string): string {
  state.attach(sizeArgument(args));
  return stopReason(state);
}

/** `D` or `D;PID`. */
export function detach(state: SessionState, args: string): string {
  const pids = args === '' ? [...state.attached] : [attachedArgument(state, args.slice(1))];
  for (const pid of pids) {
    state.detach(pid);
    forgetAllocations(state, pid);
  }
  return 'OK';
}

/** `vKill;PID`. */
export function killProcess(state: SessionState, args: string): string {
  const pid = attachedArgument(state, args);
  state.detach(pid);
  forgetAllocations(state, pid);
  state.target.kill(pid);
  return 'OK';
}

/**
 * `k`: ends the connection. lldb sends it whenever it quits; the processes were there before it came
 * and stay. What ends one is `vKill`.
 */
export function endSession(state: SessionState): string {
  const [pid = 0] = state.attached;
  detach(state, '');
  state.closing = !state.extended;
  return killedReply(state, pid);
}

function attachedArgument(state: SessionState, text: string): number {
  const pid = sizeArgument(text);
  return state.attached.has(pid) ? pid : fail(EINVAL);
}

/**
 * `ZKIND,ADDR,LENGTH`. Breakpoints are the client's business: told that there are none, it writes
 * trap instructions into the text.
 *
 * @param onStop is told the stop reply when the watchpoint is hit while the target runs
 * @returns nothing where the target has no watchpoints
 */
export function setWatch(
  state: SessionState,
  args: string,
  onStop: (reply: string) => void,
): string {
  const request = watchArgument(state, args);
  if (request === null || state.target.watch === undefined) return '';
  const { key, pid, kind, word, start, length } = request;
  if (state.watches.has(key)) return 'OK';
  if (state.watches.size >= MAX_WATCHES) fail(ENOSPC);
  const watch = state.target.watch(pid, kind, { start, length }, ({ addr, tid }) => {
    if (!state.running) return;
    const said = `${word}:${hexNumber(addr)};`;
    onStop(stopWith(state, { pid, tid, signal: SIGTRAP, watch: said }));
  });
  state.watches.set(key, { pid, watch });
  return 'OK';
}

/** `zKIND,ADDR,LENGTH`. */
export function removeWatch(state: SessionState, args: string): string {
  const request = watchArgument(state, args);
  if (request === null || state.target.watch === undefined) return '';
  state.watches.get(request.key)?.watch.remove();
  state.watches.delete(request.key);
  return 'OK';
}

interface WatchRequest {
  readonly key: string;
  readonly pid: number;
  readonly kind: TargetWatchKind;
  readonly word: string;
  readonly start: bigint;
  readonly length: number;
}

/** @returns null for a breakpoint */
function watchArgument(state: SessionState, args: string): WatchRequest | null {
  const [type = '', addr, size, ...more] = args.split(',');
  const kind = WATCH_KINDS[type];
  if (kind === undefined) return null;
  if (more.length > 0) fail(EINVAL);
  const start = hexArgument(addr);
  const length = sizeArgument(size);
  if (length === 0 || length > MAX_WATCH_LENGTH) fail(EOPNOTSUPP);
  const pid = state.pid();
  return {
    key: `${pid} ${type} ${start} ${length}`,
    pid,
    kind: kind[0],
    word: kind[1],
    start,
    length,
  };
}

/** What a client shows when the target goes on, so that nobody waits in vain. */
export function notice(state: SessionState): string {
  const until = state.watches.size > 0 ? 'a watchpoint is hit or ' : '';
  const text = `procmem: no CPU runs this process; it waits until ${until}you interrupt\n`;
  return `O${hexOf(new TextEncoder().encode(text))}`;
}
