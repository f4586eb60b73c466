// Who wants to hear of accesses to which bytes. Callbacks are no state of the machine: they are kept
// here, beside it, and the core knows of the pages alone (assembly/mm/watch.ts).
import { WATCH_LISTS, WATCH_STRETCHES } from '../../assembly/abi/watch.js';
import { checked } from '../errno.js';
import {
  countWatches,
  currentTask,
  defer,
  pendingHooks,
  recountDevices,
  type Pending,
} from './acting.js';
import { pageAlign, pageFloor } from './address.js';
import type { Core } from '../wasm/core.js';
import type { Mm } from './mm.js';
import { liveObjects } from './registry.js';

/** What an access did. The bits of WatchedRange.kinds and the core's lists are in this order. */
export const WATCH_KINDS = ['read', 'write', 'execute'] as const;
export type WatchKind = (typeof WATCH_KINDS)[number];

/**
 * By which way bytes were reached: the CPU's loads, stores and fetches; a mem file; process_vm_readv and
 * process_vm_writev on the other process's side; PTRACE_PEEK* and POKE*; any system call on the caller's
 * own memory; cmdline, environ and the like in /proc.
 */
export type AccessPath = 'cpu' | 'mem' | 'process_vm' | 'ptrace' | 'syscall' | 'proc';

/** One access to bytes that are watched, after it was done. */
export interface WatchHit {
  readonly kind: WatchKind;
  /** First of the watched bytes that it touched. */
  readonly address: number;
  /** Those bytes, and what they were; nothing where a device was written. */
  readonly after: Uint8Array;
  readonly before: Uint8Array;
  readonly by: AccessPath;
  /** The kernel's task that made it; null when no task did. */
  readonly task: object | null;
}

/** A range of bytes, and whom to tell. */
export interface WatchedRange {
  readonly start: number;
  readonly end: number;
  /** Bits by place in WATCH_KINDS. */
  readonly kinds: number;
  readonly hit: (hit: WatchHit) => void;
}

const watches = new WeakMap<Mm, Set<WatchedRange>>();
/** Those whose hook is running: what it does does not call it again. */
const running = new Set<WatchedRange>();

interface Stretch {
  start: number;
  end: number;
}

/** The pages of ranges, rising and apart; so few that the core's list holds them, gaps included if need be. */
export function pageStretches(ranges: readonly WatchedRange[], most = WATCH_STRETCHES): Stretch[] {
  const sorted = ranges.map(({ start, end }) => ({ start: pageFloor(start), end: pageAlign(end) }));
  sorted.sort((a, b) => a.start - b.start);
  const stretches: Stretch[] = [];
  for (const { start, end } of sorted) {
    const last = stretches.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else stretches.push({ start, end });
  }
  while (stretches.length > most) joinClosest(stretches);
  return stretches;
}

/** Joins the two that are closest: the pages between them become slow, and nothing else changes. */
function joinClosest(stretches: Stretch[]): void {
  let best = 1;
  const gap = (i: number): number =>
    (stretches[i] as Stretch).start - (stretches[i - 1] as Stretch).end;
  for (let i = 2; i < stretches.length; i++) if (gap(i) < gap(best)) best = i;
  (stretches[best - 1] as Stretch).end = (stretches[best] as Stretch).end;
  stretches.splice(best, 1);
}

/** Tells the core which pages are watched. @throws {LinuxError} ENOMEM: no frame for the list */
function tellCore(mm: Mm, set: ReadonlySet<WatchedRange>): void {
  const { core, ptr } = mm;
  if (set.size === 0) {
    core.exports.dropWatches(ptr);
    return;
  }
  checked(core.exports.clearWatches(ptr));
  for (let list = 0; list < WATCH_LISTS; list++) {
    const ranges = [...set].filter(({ kinds }) => kinds & (1 << list));
    for (const { start, end } of pageStretches(ranges)) {
      core.exports.addWatch(ptr, list, start, end);
    }
  }
}

/**
 * Watches a range of an address space, which has to be alive.
 * @throws {LinuxError} ENOMEM: no frame for the core's list of pages
 */
export function addWatch(mm: Mm, range: WatchedRange): void {
  const set = watches.get(mm) ?? new Set();
  set.add(range);
  try {
    tellCore(mm, set);
  } catch (error) {
    set.delete(range);
    throw error;
  }
  watches.set(mm, set);
  mm.watched = true;
  countWatches(mm.core, 1);
}

/** Whether a range is still watched: not removed, and its address space alive. */
export function isWatching(mm: Mm, range: WatchedRange): boolean {
  return watches.get(mm)?.has(range) === true;
}

/** Stops watching; nothing happens when it has stopped before. */
export function removeWatch(mm: Mm, range: WatchedRange): void {
  const set = watches.get(mm);
  if (set === undefined || !set.delete(range)) return;
  countWatches(mm.core, -1);
  mm.watched = set.size > 0;
  tellCore(mm, set);
}

/** Forgets the watches of an address space that dies. */
export function forgetWatches(mm: Mm): void {
  countWatches(mm.core, -(watches.get(mm)?.size ?? 0));
  watches.delete(mm);
  mm.watched = false;
}

/**
 * Has a machine go back to a checkpoint. Watches are the host's and stay as they are, and the core is told
 * of them again: its lists are those of the checkpoint. Those of an address space that is not there then end.
 * @throws {LinuxError} ENOMEM: no frame for a list, once all else is done; the watches of that mm end
 */
export function keepingWatches(core: Core, goBack: () => void): void {
  const watched = [...liveObjects(core).mms].filter((mm) => mm.watched);
  const { devices } = core;
  goBack();
  recountDevices(core, devices);
  const { mms } = liveObjects(core);
  for (const mm of watched) if (!mms.has(mm)) forgetWatches(mm);
  const failures = [...mms].flatMap((mm) => {
    const set = watches.get(mm) ?? new Set<WatchedRange>();
    mm.watched = set.size > 0;
    try {
      tellCore(mm, set);
      return [];
    } catch (error) {
      forgetWatches(mm);
      return [error];
    }
  });
  if (failures.length > 0) throw failures[0];
}

/** Whether an access would be told of. */
export function touchesWatch(mm: Mm, addr: number, length: number, kind: WatchKind): boolean {
  const bit = 1 << WATCH_KINDS.indexOf(kind);
  for (const { kinds, start, end } of watches.get(mm) ?? []) {
    if (kinds & bit && addr < end && addr + length > start) return true;
  }
  return false;
}

/** A hit that waits for the end of the call. */
class PendingHit implements Pending {
  readonly mm: Mm;
  readonly range: WatchedRange;
  hit: WatchHit;

  constructor(mm: Mm, range: WatchedRange, hit: WatchHit) {
    this.mm = mm;
    this.range = range;
    this.hit = hit;
  }

  run(): void {
    const { mm, range } = this;
    if (running.has(range) || !isWatching(mm, range)) return;
    running.add(range);
    try {
      range.hit(this.hit);
    } finally {
      running.delete(range);
    }
  }

  /** Whether a hit goes on where this one ends: one call that copies in pieces is told of once. */
  takes(more: WatchHit): boolean {
    const { hit } = this;
    if (hit.kind !== more.kind || hit.by !== more.by || hit.task !== more.task) return false;
    if (hit.address + hit.after.length !== more.address) return false;
    const before = joined(hit.before, more.before);
    this.hit = { ...hit, before, after: joined(hit.after, more.after) };
    return true;
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(one.length + other.length);
  bytes.set(one);
  bytes.set(other, one.length);
  return bytes;
}

function lastOf(range: WatchedRange): PendingHit | undefined {
  const waiting = pendingHooks();
  for (let i = waiting.length - 1; i >= 0; i--) {
    const one = waiting[i];
    if (one instanceof PendingHit && one.range === range) return one;
  }
  return undefined;
}

/**
 * Tells of an access that was done: each watch of the bytes it touched, in the order they were set. `after`
 * is all that was read or written at `addr`, `before` the same bytes as they were, or nothing.
 */
export function noteAccess(
  mm: Mm,
  addr: number,
  kind: WatchKind,
  before: Uint8Array,
  after: Uint8Array,
  by: AccessPath,
): void {
  const bit = 1 << WATCH_KINDS.indexOf(kind);
  for (const range of watches.get(mm) ?? []) {
    const from = Math.max(range.start, addr) - addr;
    const to = Math.min(range.end, addr + after.length) - addr;
    if (!(range.kinds & bit) || from >= to || running.has(range)) continue;
    const hit = {
      kind,
      address: addr + from,
      before: before.slice(from, to),
      after: after.slice(from, to),
      by,
      task: currentTask(),
    };
    if (lastOf(range)?.takes(hit) !== true) defer(new PendingHit(mm, range, hit));
  }
}
