import {
  EAGAIN,
  EDEADLK,
  EINVAL,
  EPERM,
  ERESTARTSYS,
  ESRCH,
  ETIMEDOUT,
} from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { getUserU32, putUserU32 } from '../mm/user.js';
import {
  FUTEX_BITSET_MATCH_ANY,
  type FutexKey,
  FutexWait,
  type FutexWaitArgs,
  type FutexWord,
  keyOf,
  type PiState,
  sameKey,
  waitersAt,
  waitOn,
  waitUnderWay,
} from './futex.js';
import type { Kernel } from './kernel.js';
import { endSleep, timedOut } from './sleep.js';
import type { TaskStruct } from './task.js';

// A lock: | waiters 31 | owner died 30 | thread 0 |, include/uapi/linux/futex.h
export const FUTEX_WAITERS = 0x80000000;
export const FUTEX_OWNER_DIED = 0x40000000;
export const FUTEX_TID_MASK = 0x3fffffff;

/**
 * Gives a task a lock that is free.
 *
 * @param more whether others are going to wait for it
 * @returns null when it has it, or what to wait for
 * @throws {LinuxError} EDEADLK: it has it; EINVAL: the word is not what those that wait make of it; ESRCH: its
 * owner is gone; EPERM: that is a kernel thread; EFAULT
 * @see kernel/futex/pi.c, futex_lock_pi_atomic()
 */
export function lockPiAtomic(
  task: TaskStruct,
  { mm, addr }: FutexWord,
  key: FutexKey,
  more = false,
): PiState | null {
  const value = getUserU32(mm, addr);
  const tid = value & FUTEX_TID_MASK;
  if (tid === task.pid) fail(EDEADLK);
  const [top] = waitersAt(task.kernel, key);
  if (top !== undefined) return attachToState(value, top.pi);
  if (tid === 0) {
    const kept = (value & FUTEX_OWNER_DIED) | (more ? FUTEX_WAITERS : 0);
    putUserU32(mm, addr, (kept | task.pid) >>> 0);
    return null;
  }
  // Its owner is to come to the kernel from now on.
  putUserU32(mm, addr, (value | FUTEX_WAITERS) >>> 0);
  const owner = task.kernel.findTask(tid);
  if (owner === null || owner.exited) return fail(ESRCH);
  return owner.isKthread ? fail(EPERM) : { owner };
}

/** @see kernel/futex/pi.c, attach_to_pi_state() */
function attachToState(value: number, state: PiState | null): PiState {
  if (state === null) return fail(EINVAL);
  const tid = value & FUTEX_TID_MASK;
  const { owner } = state;
  if ((value & FUTEX_OWNER_DIED) !== 0) {
    if (owner === null) return tid === 0 ? state : fail(EINVAL);
    if (tid === 0) return state;
  }
  return owner?.pid === tid ? state : fail(EINVAL);
}

/** Whether a task would wait for itself (rt_mutex_adjust_prio_chain()). */
export function isDeadlock(task: TaskStruct, state: PiState): boolean {
  const seen = new Set<PiState>();
  for (let at: PiState | null = state; at !== null && !seen.has(at); at = blockedOn(at.owner)) {
    seen.add(at);
    if (at.owner === task) return true;
  }
  return false;
}

/** The lock that a task waits for. */
function blockedOn(task: TaskStruct | null): PiState | null {
  const waiting = task?.waiting;
  return waiting instanceof FutexWait && !waiting.woken ? waiting.pi : null;
}

/**
 * Takes a lock, or waits for it.
 *
 * @param ms how long from now, Infinity for ever; null: not at all
 * @returns 0, or -ERESTARTSYS while it waits
 * @throws {LinuxError} EAGAIN: taken, and it is not to wait; ETIMEDOUT; EDEADLK: it would wait for itself; and
 * what lockPiAtomic() throws
 * @see kernel/futex/pi.c, futex_lock_pi()
 */
export function futexLockPi(task: TaskStruct, word: FutexWord, ms: number | null): number {
  const waiting = waitUnderWay(task, word, 'lock');
  if (waiting !== null) return waitOn(task, waiting, ms ?? 0);
  endSleep(task);
  const key = keyOf(word);
  const state = lockPiAtomic(task, word, key);
  if (state === null) return 0;
  if (ms === null) fail(EAGAIN);
  if (isDeadlock(task, state)) fail(EDEADLK);
  if (timedOut(task, 'futex', ms)) fail(ETIMEDOUT);
  const wait = new FutexWait(task, word.addr, key, FUTEX_BITSET_MATCH_ANY, 'lock');
  wait.pi = state;
  task.waiting = wait;
  return -ERESTARTSYS;
}

/**
 * Gives a lock up: to who waits longest, or to nobody.
 *
 * @throws {LinuxError} EPERM: the word says another has it; EINVAL: not aligned, or somebody waits for a wake;
 * EFAULT
 * @see kernel/futex/pi.c, futex_unlock_pi()
 */
export function futexUnlockPi(task: TaskStruct, word: FutexWord): void {
  const { mm, addr } = word;
  if ((getUserU32(mm, addr) & FUTEX_TID_MASK) !== task.pid) fail(EPERM);
  const [top] = waitersAt(task.kernel, keyOf(word));
  if (top === undefined) return putUserU32(mm, addr, 0);
  if (top.pi?.owner !== task) return fail(EINVAL);
  putUserU32(mm, addr, (FUTEX_WAITERS | top.task.pid) >>> 0);
  top.pi.owner = top.task;
  top.wake();
}

/**
 * Waits to be moved to a lock, and for that.
 *
 * @throws {LinuxError} EINVAL: no bits, or one word twice; EAGAIN: the word has another value; ETIMEDOUT; EFAULT
 * @see kernel/futex/requeue.c, futex_wait_requeue_pi()
 */
export function futexWaitRequeuePi(
  task: TaskStruct,
  word: FutexWord,
  lock: FutexWord,
  { value, bitset, ms }: FutexWaitArgs,
): number {
  if (word.addr === lock.addr || bitset === 0) fail(EINVAL);
  const waiting = waitUnderWay(task, word, 'requeue');
  if (waiting !== null) return waitOn(task, waiting, ms);
  endSleep(task);
  const requeueKey = keyOf(lock);
  const key = keyOf(word);
  if (getUserU32(word.mm, word.addr) !== value) fail(EAGAIN);
  if (sameKey(key, requeueKey)) fail(EINVAL);
  if (timedOut(task, 'futex', ms)) fail(ETIMEDOUT);
  const wait = new FutexWait(task, word.addr, key, bitset, 'requeue');
  wait.requeueKey = requeueKey;
  wait.lockAddr = lock.addr;
  task.waiting = wait;
  return -ERESTARTSYS;
}

/**
 * A task ends: the locks that others wait for go to the first of those each, which finds that its owner died.
 *
 * @see kernel/futex/pi.c, exit_pi_state_list() and fixup_pi_state_owner()
 */
export function exitPi(task: TaskStruct): void {
  const { kernel } = task;
  let wait = heldLock(kernel, task);
  while (wait !== null) {
    inherit(wait);
    wait = heldLock(kernel, task);
  }
}

/** Who waits longest for a lock that a task has. */
function heldLock(kernel: Kernel, task: TaskStruct): FutexWait | null {
  return kernel.futexWaits.find(({ pi }) => pi?.owner === task) ?? null;
}

function inherit(wait: FutexWait): void {
  const { task, lockAddr, pi } = wait;
  if (pi !== null) pi.owner = task;
  wait.wake();
  if (task.mm === null) return;
  try {
    const bits = FUTEX_OWNER_DIED | FUTEX_WAITERS | task.pid;
    putUserU32(task.mm, lockAddr, bits >>> 0);
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
  }
}
