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

/** A signal that waits for its task to run (struct sigqueue). */
export interface QueuedSignal {
  readonly signal: number;
  readonly info: Siginfo;
  /** Sent to the process rather than to the thread. */
  readonly shared: boolean;
}

/** Signals of this number and above are queued each, those below once. */
const SIGRTMIN = 32;

/**
 * The signals that wait for one task, those sent to its process among them; iterates over their
 * numbers.
 * @see include/linux/signal_types.h, struct sigpending
 */
export class PendingSignals implements Iterable<number> {
  private queue: QueuedSignal[] = [];

  /** How many wait. */
  get size(): number {
    return this.queue.length;
  }

  *[Symbol.iterator](): Generator<number> {
    for (const { signal } of this.queue) yield signal;
  }

  /** Queues a signal, unless an ordinary one of its number waits already (legacy_queue()). */
  add(entry: QueuedSignal): void {
    const waits = this.queue.some((e) => e.signal === entry.signal && e.shared === entry.shared);
    if (!waits || entry.signal >= SIGRTMIN) this.queue.push(entry);
  }

  /** Takes the next one that `blocked`, signal n as bit n - 1, lets through: the thread's own first. */
  take(blocked: bigint): QueuedSignal | null {
    const ready = this.queue.filter(({ signal }) => !signalBlocked(blocked, signal));
    const own = ready.filter(({ shared }) => !shared);
    const from = own.length > 0 ? own : ready;
    if (from.length === 0) return null;
    const next = from.reduce((a, b) => (b.signal < a.signal ? b : a));
    this.queue.splice(this.queue.indexOf(next), 1);
    return next;
  }

  /** Forgets signals (flush_sigqueue_mask()). */
  flush(signals: ReadonlySet<number>): void {
    this.queue = this.queue.filter(({ signal }) => !signals.has(signal));
  }

  /** Those of one queue, in the order they came. */
  list(shared: boolean): readonly QueuedSignal[] {
    return this.queue.filter((entry) => entry.shared === shared);
  }
}

/** Whether a mask holds a signal back. */
export function signalBlocked(blocked: bigint, signal: number): boolean {
  return ((blocked >> BigInt(signal - 1)) & 1n) !== 0n;
}
