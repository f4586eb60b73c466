import { EAGAIN, EFAULT, EINVAL, ERESTARTSYS, ETIMEDOUT } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_SHARED } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import { accessOk, type U64 } from '../mm/address.js';
import { getUserU32 } from '../mm/user.js';
import type { Kernel } from './kernel.js';
import type { MmStruct } from './mm-struct.js';
import { endSleep, leaveQueue, timedOut, type Waiting } from './sleep.js';
import type { TaskStruct } from './task.js';

/** Any bit: who waits or wakes without a set of its own. */
export const FUTEX_BITSET_MATCH_ANY = 0xffffffff;

/**
 * What a word is to those that wait at it (union futex_key): a place of an address space, by who asked for
 * it as private and who as shared, or of a file.
 */
export interface FutexKey {
  readonly owner: object;
  readonly offset: number;
  readonly kind: 'private' | 'mm' | 'file';
}

/** Whether two words are the same to those that wait. */
export function sameKey(a: FutexKey, b: FutexKey): boolean {
  return a.offset === b.offset && a.owner === b.owner && a.kind === b.kind;
}

/**
 * The key of a word.
 *
 * @param shared whether other address spaces may wait at it, too
 * @throws {LinuxError} EINVAL: not aligned; EFAULT: no user memory, or, shared, nothing there
 * @see kernel/futex/core.c, get_futex_key()
 */
function futexKey(mm: MmStruct, addr: U64, shared: boolean): FutexKey {
  if (Number(BigInt(addr) & 3n) !== 0) fail(EINVAL);
  if (typeof addr === 'bigint' || !accessOk(addr, 4)) return fail(EFAULT);
  if (!shared) return { owner: mm, offset: addr, kind: 'private' };
  getUserU32(mm, addr);
  const vma = mm.findVma(addr);
  const pages = vma?.file?.mapping ?? null;
  if (vma === null || pages === null || (vma.flags & VM_SHARED) === 0) {
    return { owner: mm, offset: addr, kind: 'mm' };
  }
  return { owner: pages, offset: addr - vma.start + vma.pgoff * PAGE_SIZE, kind: 'file' };
}

/** A lock with priority inheritance that somebody waits for (struct futex_pi_state). */
export interface PiState {
  /** Who has it; null while nobody does because its owner died. */
  owner: TaskStruct | null;
}

/** How a task waits at a word: for a wake, for a lock, or for a wake that comes as a lock. */
export type FutexWaitKind = 'wait' | 'lock' | 'requeue';

/** One task that waits at a word (struct futex_q). */
export class FutexWait implements Waiting {
  readonly task: TaskStruct;
  readonly kind: FutexWaitKind;
  /** The word it asked for; the key changes when it is moved to another. */
  readonly addr: U64;
  key: FutexKey;
  readonly bitset: number;
  woken = false;
  /** What it waits for, where that is a lock. */
  pi: PiState | null = null;
  /** The lock that it may be moved to, and where that is. */
  requeueKey: FutexKey | null = null;
  lockAddr: U64;

  /** Lines up behind those that wait already. */
  constructor(
    task: TaskStruct,
    addr: U64,
    key: FutexKey,
    bitset: number,
    kind: FutexWaitKind = 'wait',
  ) {
    this.task = task;
    this.kind = kind;
    this.key = key;
    this.addr = addr;
    this.lockAddr = addr;
    this.bitset = bitset;
    task.kernel.futexWaits.push(this);
  }

  /** Leaves the queue, if it is in it. */
  leave(): void {
    leaveQueue(this.task.kernel.futexWaits, this);
  }

  /** Has its task go on. */
  wake(): void {
    this.woken = true;
    this.leave();
  }
}

/** The wait of a call that is made again; null when it is another call, or made for the first time. */
export function waitUnderWay(
  { waiting }: TaskStruct,
  { addr }: FutexWord,
  kind: FutexWaitKind,
): FutexWait | null {
  const own = waiting instanceof FutexWait && waiting.addr === addr && waiting.kind === kind;
  return own ? waiting : null;
}

/** Waits on: 0 once it was woken. @throws {LinuxError} ETIMEDOUT */
export function waitOn(task: TaskStruct, waiting: FutexWait, ms: number): number {
  if (waiting.woken) return 0;
  return timedOut(task, 'futex', ms) ? fail(ETIMEDOUT) : -ERESTARTSYS;
}

/** Those that wait at a word, the first first. */
export function waitersAt(kernel: Kernel, key: FutexKey): FutexWait[] {
  return kernel.futexWaits.filter((wait) => sameKey(wait.key, key));
}

/** Which word, and how it is asked about. */
export interface FutexWord {
  readonly mm: MmStruct;
  readonly addr: U64;
  readonly shared: boolean;
}

/** The key of a word; see futexKey(). */
export const keyOf = ({ mm, addr, shared }: FutexWord): FutexKey => futexKey(mm, addr, shared);

/** What a wait is for. */
export interface FutexWaitArgs {
  /** The value the word must have. */
  readonly value: number;
  readonly bitset: number;
  /** Milliseconds from now, Infinity for ever. */
  readonly ms: number;
}

/**
 * Waits until somebody wakes it. The word is looked at when the wait begins, not when the call is made
 * again.
 *
 * @returns 0, or -ERESTARTSYS while it waits
 * @throws {LinuxError} EAGAIN: the word has another value; ETIMEDOUT; EINVAL: no bits; EFAULT: the word
 * @see kernel/futex/waitwake.c, futex_wait()
 */
export function futexWait(task: TaskStruct, word: FutexWord, args: FutexWaitArgs): number {
  const { value, bitset, ms } = args;
  if (bitset === 0) fail(EINVAL);
  const waiting = waitUnderWay(task, word, 'wait');
  if (waiting !== null) return waitOn(task, waiting, ms);
  endSleep(task);
  const key = keyOf(word);
  if (getUserU32(word.mm, word.addr) !== value) fail(EAGAIN);
  if (timedOut(task, 'futex', ms)) fail(ETIMEDOUT);
  task.waiting = new FutexWait(task, word.addr, key, bitset);
  return -ERESTARTSYS;
}

/**
 * Wakes those that wait at a word and share a bit, at least one if there is one.
 *
 * @returns how many
 * @throws {LinuxError} EINVAL: no bits, not aligned, or somebody waits for a lock there; EFAULT: no user memory
 * @see kernel/futex/waitwake.c, futex_wake()
 */
export function futexWake(kernel: Kernel, word: FutexWord, count: number, bitset: number): number {
  if (bitset === 0) fail(EINVAL);
  const key = keyOf(word);
  let woken = 0;
  for (const wait of waitersAt(kernel, key)) {
    // Who waits for a lock is given that, or nothing.
    if (wait.pi !== null || wait.requeueKey !== null) fail(EINVAL);
    if ((wait.bitset & bitset) === 0) continue;
    wait.wake();
    woken += 1;
    if (woken >= count) break;
  }
  return woken;
}
