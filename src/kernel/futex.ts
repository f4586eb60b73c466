import {
  EAGAIN,
  EFAULT,
  EINVAL,
  ENOSYS,
  ERESTARTSYS,
  ETIMEDOUT,
} from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_SHARED } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import { accessOk, type U64 } from '../mm/address.js';
import { getUserU32, putUserU32 } from '../mm/user.js';
import type { Kernel } from './kernel.js';
import type { MmStruct } from './mm-struct.js';
import { endSleep, timedOut } from './sleep.js';
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

function sameKey(a: FutexKey, b: FutexKey): boolean {
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

/** One task that waits at a word (struct futex_q). */
export class FutexWait {
  readonly task: TaskStruct;
  /** The word it asked for; the key changes when it is moved to another. */
  readonly addr: U64;
  key: FutexKey;
  readonly bitset: number;
  woken = false;

  /** Lines up behind those that wait already. */
  constructor(task: TaskStruct, addr: U64, key: FutexKey, bitset: number) {
    this.task = task;
    this.key = key;
    this.addr = addr;
    this.bitset = bitset;
    task.kernel.futexWaits.push(this);
  }

  /** Leaves the queue, if it is in it. */
  leave(): void {
    const { futexWaits } = this.task.kernel;
    const at = futexWaits.indexOf(this);
    if (at >= 0) futexWaits.splice(at, 1);
  }

  /** Has its task go on. */
  wake(): void {
    this.woken = true;
    this.leave();
  }
}

/** Those that wait at a word, the first first. */
function waitersAt(kernel: Kernel, key: FutexKey): FutexWait[] {
  return kernel.futexWaits.filter((wait) => sameKey(wait.key, key));
}

/** Which word, and how it is asked about. */
export interface FutexWord {
  readonly mm: MmStruct;
  readonly addr: U64;
  readonly shared: boolean;
}

const keyOf = ({ mm, addr, shared }: FutexWord): FutexKey => futexKey(mm, addr, shared);

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
  const waiting = task.futexWait;
  if (waiting === null || waiting.addr !== word.addr) {
    endSleep(task);
    const key = keyOf(word);
    if (getUserU32(word.mm, word.addr) !== value) fail(EAGAIN);
    if (timedOut(task, 'futex', ms)) fail(ETIMEDOUT);
    task.futexWait = new FutexWait(task, word.addr, key, bitset);
    return -ERESTARTSYS;
  }
  if (waiting.woken) {
    task.futexWait = null;
    return 0;
  }
  return timedOut(task, 'futex', ms) ? fail(ETIMEDOUT) : -ERESTARTSYS;
}

/**
 * Wakes those that wait at a word and share a bit, at least one if there is one.
 *
 * @returns how many
 * @throws {LinuxError} EINVAL: no bits, or not aligned; EFAULT: no user memory
 * @see kernel/futex/waitwake.c, futex_wake()
 */
export function futexWake(kernel: Kernel, word: FutexWord, count: number, bitset: number): number {
  if (bitset === 0) fail(EINVAL);
  const key = keyOf(word);
  const waiting = waitersAt(kernel, key).filter((wait) => (wait.bitset & bitset) !== 0);
  const woken = waiting.slice(0, Math.max(count, 1));
  for (const wait of woken) wait.wake();
  return woken.length;
}

/** Two words, and how many of the first one's waiters wake and how many move. */
export interface RequeueArgs {
  readonly wakes: number;
  readonly moves: number;
  /** The value the first word must have; null for any. */
  readonly value: number | null;
}

/**
 * Wakes some that wait at one word, and has others wait at another.
 *
 * @returns how many it was about
 * @throws {LinuxError} EINVAL: negative counts; EAGAIN: the word has another value; EFAULT: a word
 * @see kernel/futex/requeue.c, futex_requeue()
 */
export function futexRequeue(
  kernel: Kernel,
  from: FutexWord,
  to: FutexWord,
  { wakes, moves, value }: RequeueArgs,
): number {
  if (wakes < 0 || moves < 0) fail(EINVAL);
  const key = keyOf(from);
  const other = keyOf(to);
  if (value !== null && getUserU32(from.mm, from.addr) !== value) fail(EAGAIN);
  const waiting = waitersAt(kernel, key).slice(0, wakes + moves);
  for (const [i, wait] of waiting.entries()) {
    if (i < wakes) wait.wake();
    else moveTo(kernel, wait, other);
  }
  return waiting.length;
}

/** It lines up behind those that wait there. */
function moveTo(kernel: Kernel, wait: FutexWait, key: FutexKey): void {
  wait.leave();
  wait.key = key;
  kernel.futexWaits.push(wait);
}

const OPERATIONS: readonly ((old: number, operand: number) => number)[] = [
  (_old, operand) => operand,
  (old, operand) => old + operand,
  (old, operand) => old | operand,
  (old, operand) => old & ~operand,
  (old, operand) => old ^ operand,
];
const COMPARISONS: readonly ((old: number, operand: number) => boolean)[] = [
  (old, operand) => old === operand,
  (old, operand) => old !== operand,
  (old, operand) => old < operand,
  (old, operand) => old <= operand,
  (old, operand) => old > operand,
  (old, operand) => old >= operand,
];

/**
 *     | shift 31 | op 28 | cmp 24 | oparg 12 | cmparg 0 |
 *
 * @returns whether the old value compares as asked
 * @throws {LinuxError} ENOSYS: an operation or comparison that does not exist; EFAULT
 * @see kernel/futex/waitwake.c, futex_atomic_op_inuser()
 */
function atomicOp(mm: MmStruct, addr: U64, encoded: number): boolean {
  const operation = OPERATIONS[(encoded >>> 28) & 7];
  const compare = COMPARISONS[(encoded >>> 24) & 15];
  const given = (encoded << 8) >> 20;
  const operand = encoded & 0x80000000 ? 1 << (given & 31) : given;
  if (operation === undefined) return fail(ENOSYS);
  const old = getUserU32(mm, addr) | 0;
  putUserU32(mm, addr, operation(old, operand));
  return compare === undefined ? fail(ENOSYS) : compare(old, (encoded << 20) >> 20);
}

/**
 * Changes one word, wakes at the other, and at the one that was changed if its old value compares as asked.
 *
 * @throws {LinuxError} ENOSYS, EFAULT, EINVAL
 * @see kernel/futex/waitwake.c, futex_wake_op()
 */
export function futexWakeOp(
  kernel: Kernel,
  word: FutexWord,
  changed: FutexWord,
  counts: readonly [number, number],
  encoded: number,
): number {
  keyOf(word);
  keyOf(changed);
  const also = atomicOp(changed.mm, changed.addr, encoded);
  const woken = futexWake(kernel, word, counts[0], FUTEX_BITSET_MATCH_ANY);
  if (!also) return woken;
  return woken + futexWake(kernel, changed, counts[1], FUTEX_BITSET_MATCH_ANY);
}
