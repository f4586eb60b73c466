import type { Actor, Core } from '../wasm/core.js';

/** A fault that somebody waits for. */
export interface WaitingFault {
  readonly address: number;
  /** UFFD_PAGEFAULT_FLAG_* */
  readonly flags: number;
  /** The thread that waits. */
  readonly tid: number;
  /** Who that is; null for nobody in particular. */
  readonly actor: Actor | null;
}

/** Whether whoever made the access can still be there to wait. */
function waits({ actor }: WaitingFault): boolean {
  return actor?.exited !== true;
}

/**
 * The faults of a userfaultfd that wait, until they are woken. Nothing sleeps here: whoever made the
 * access makes it again, and finds its fault still in the queue.
 * @see fs/userfaultfd.c, fault_pending_wqh and fault_wqh
 */
export class UserfaultQueue {
  private readonly core: Core;
  /** Not read yet, in the order they came. */
  private pending: WaitingFault[] = [];
  /** Read, and not woken yet. */
  private read: WaitingFault[] = [];

  constructor(core: Core) {
    this.core = core;
  }

  /** Notes a fault of the thread that acts now, once. */
  add(address: number, flags: number): WaitingFault {
    const actor = this.core.current;
    const tid = actor?.pid ?? 0;
    const same = (fault: WaitingFault): boolean =>
      fault.address === address && fault.flags === flags && fault.tid === tid;
    const known = this.pending.find(same) ?? this.read.find(same);
    if (known !== undefined) return known;
    const fault = { address, flags, tid, actor };
    this.pending.push(fault);
    return fault;
  }

  has(fault: WaitingFault): boolean {
    return this.pending.includes(fault) || this.read.includes(fault);
  }

  /** The next fault that nobody has read; null when there is none. */
  take(): WaitingFault | null {
    this.forgetExited();
    const next = this.pending.shift();
    if (next === undefined) return null;
    this.read.push(next);
    return next;
  }

  /** Faults not read, and all that wait. */
  counts(): { readonly pending: number; readonly total: number } {
    this.forgetExited();
    const pending = this.pending.length;
    return { pending, total: pending + this.read.length };
  }

  /** Forgets the faults at [start, end): who waits for them tries again. */
  wake(start: number, end: number): void {
    const stays = ({ address }: WaitingFault): boolean => address < start || address >= end;
    this.pending = this.pending.filter(stays);
    this.read = this.read.filter(stays);
  }

  private forgetExited(): void {
    this.pending = this.pending.filter(waits);
    this.read = this.read.filter(waits);
  }
}
