import type { TaskStruct } from './task.js';
import { fromKuidMunged } from './userns.js';

/** siginfo_t, bytes. */
export const SIGINFO_SIZE = 128;

// include/uapi/asm-generic/siginfo.h
/** Sent by kill(). */
export const SI_USER = 0;
/** Sent by the kernel. */
export const SI_KERNEL = 0x80;
/** Sent by tkill() or tgkill(). */
export const SI_TKILL = -6;

/**
 * What is known of a signal, as siginfo_t lays it out. A signal without a sender has the zeros of
 * the kernel.
 *
 *     0 si_signo   4 si_errno   8 si_code   16 si_pid   20 si_uid   … 128
 */
export type Siginfo = Uint8Array;

/** Makes the siginfo of a signal; `sender` is whom si_pid and si_uid name. */
export function makeSiginfo(signal: number, code: number, sender?: TaskStruct): Siginfo {
  const info = new Uint8Array(SIGINFO_SIZE);
  const view = new DataView(info.buffer);
  view.setInt32(0, signal, true);
  view.setInt32(8, code, true);
  if (sender !== undefined) {
    view.setInt32(16, sender.tgid, true);
    view.setUint32(20, fromKuidMunged(sender.cred.userNs, sender.cred.uid), true);
  }
  return info;
}

/** The signal that a siginfo tells of. */
export function siginfoSignal(info: Siginfo): number {
  return new DataView(info.buffer, info.byteOffset).getInt32(0, true);
}

/** Why it was sent: SI_* or, at a ptrace event, the event in the second byte. */
export function siginfoCode(info: Siginfo): number {
  return new DataView(info.buffer, info.byteOffset).getInt32(8, true);
}

// Highest si_code of the signals that have codes of their own, by signal; SIGCHLD is 17, SIGIO 29, SIGSYS 31.
const CODES: Readonly<Record<number, number>> = {
  4: 11,
  5: 6,
  7: 5,
  8: 15,
  11: 10,
  17: 6,
  29: 6,
  31: 2,
};
const SI_TIMER = -2;
const SI_SIGIO = -5;
/** Codes of SIGIO, which other signals may have (F_SETSIG). */
const NSIGPOLL = 6;

/**
 * Which fields of a siginfo count.
 * @see kernel/signal.c, siginfo_layout()
 */
export function siginfoLayout(
  info: Siginfo,
): 'kill' | 'timer' | 'poll' | 'fault' | 'child' | 'queue' | 'sys' {
  const [signal, code] = [siginfoSignal(info), siginfoCode(info)];
  if (code > SI_USER && code < SI_KERNEL) {
    if (code <= (CODES[signal] ?? 0)) {
      return ({ 17: 'child', 29: 'poll', 31: 'sys' } as const)[signal] ?? 'fault';
    }
    return code <= NSIGPOLL ? 'poll' : 'kill';
  }
  if (code === SI_TIMER) return 'timer';
  if (code === SI_SIGIO) return 'poll';
  return code < 0 ? 'queue' : 'kill';
}

/** Fills in what SIGCHLD tells besides: the child and its exit code or signal; gives `info`. */
export function setChildStatus(info: Siginfo, pid: number, status: number): Siginfo {
  const view = new DataView(info.buffer, info.byteOffset);
  view.setInt32(16, pid, true);
  view.setInt32(24, status, true);
  return info;
}

/** Fills in what the signal of a timer tells besides: its number and its value; gives `info`. */
export function siginfoTimer(info: Siginfo, id: number, value: bigint): Siginfo {
  const view = new DataView(info.buffer, info.byteOffset);
  view.setInt32(16, id, true);
  view.setBigUint64(24, value, true);
  return info;
}

/** Who sends a signal again and again, one at a time: a timer. */
export interface SignalOwner {
  /** The signal is taken; false when it is void. */
  deliver(info: Siginfo): boolean;
  /** It was ignored, or is forgotten. */
  drop(): void;
}

/** A signal that waits to be taken (struct sigqueue). */
export interface QueuedSignal {
  readonly signal: number;
  readonly info: Siginfo;
  /** Who is told what becomes of it; it counts for nobody here, and waits beside others of its number. */
  readonly owner?: SignalOwner;
}

/** One with the user it counts for. */
type Counted = QueuedSignal & { readonly uid: number | null };

const NOTHING: Counted[] = [];

/** Signals of this number and above are queued each, those below once. */
export const SIGRTMIN = 32;

/** How many signals wait for the tasks of each user, by kernel id: RLIMIT_SIGPENDING, SigQ. */
export type SignalCounts = Map<number, number>;

/**
 * The signals that wait for one task, or for a process.
 * @see include/linux/signal_types.h, struct sigpending
 */
export class PendingSignals {
  private readonly counts: SignalCounts;
  /** Shared by all that are empty: most tasks never have one wait. */
  private queue: Counted[] = NOTHING;

  /** @param counts where it counts what waits here */
  constructor(counts: SignalCounts) {
    this.counts = counts;
  }

  /** How many wait. */
  get size(): number {
    return this.queue.length;
  }

  /** Their numbers, n as bit n - 1. */
  get mask(): bigint {
    let mask = 0n;
    for (const { signal } of this.queue) mask |= 1n << BigInt(signal - 1);
    return mask;
  }

  /**
   * Queues a signal, unless an ordinary one of its number waits already (legacy_queue()).
   * @param uid the receiver's user, whom it counts for; null for one that found no room
   */
  add(given: QueuedSignal, uid: number | null): void {
    const { signal, owner } = given;
    const legacy = signal < SIGRTMIN && owner === undefined;
    if (legacy && this.queue.some((entry) => entry.signal === signal)) return;
    const entry = { ...given, uid };
    if (this.queue.length === 0) this.queue = [entry];
    else this.queue.push(entry);
    if (uid !== null) this.counts.set(uid, (this.counts.get(uid) ?? 0) + 1);
  }

  /** Takes the lowest that `blocked`, signal n as bit n - 1, lets through (dequeue_signal()). */
  take(blocked: bigint): QueuedSignal | null {
    let next = this.takeNext(blocked);
    while (next?.owner?.deliver(next.info) === false) next = this.takeNext(blocked);
    return next;
  }

  private takeNext(blocked: bigint): QueuedSignal | null {
    let next: Counted | null = null;
    for (const entry of this.queue) {
      if (signalBlocked(blocked, entry.signal)) continue;
      if (next === null || entry.signal < next.signal) next = entry;
    }
    if (next === null) return null;
    this.queue = this.queue.filter((entry) => entry !== next);
    this.uncount(next.uid);
    return next;
  }

  /** Forgets signals, all of them by default (flush_sigqueue_mask()). */
  flush(signals?: ReadonlySet<number>): void {
    if (this.queue.length === 0) return;
    const gone = this.queue.filter(({ signal }) => signals?.has(signal) ?? true);
    this.queue = this.queue.filter((entry) => !gone.includes(entry));
    for (const { uid, owner } of gone) {
      this.uncount(uid);
      owner?.drop();
    }
  }

  /** Forgets signals of timers (flush_itimer_signals()). */
  flushOwned(): void {
    if (this.queue.length > 0) this.queue = this.queue.filter(({ owner }) => owner === undefined);
  }

  /** What waits, in the order it came. */
  list(): readonly QueuedSignal[] {
    return this.queue;
  }

  private uncount(uid: number | null): void {
    if (uid === null) return;
    const left = (this.counts.get(uid) ?? 0) - 1;
    if (left > 0) this.counts.set(uid, left);
    else this.counts.delete(uid);
  }
}

/** Whether a mask holds a signal back. */
export function signalBlocked(blocked: bigint, signal: number): boolean {
  return ((blocked >> BigInt(signal - 1)) & 1n) !== 0n;
}
