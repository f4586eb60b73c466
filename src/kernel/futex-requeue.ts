import { EAGAIN, EDEADLK, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { getUserU32 } from '../mm/user.js';
import {
  type FutexKey,
  type FutexWait,
  type FutexWord,
  keyOf,
  sameKey,
  waitersAt,
} from './futex.js';
import { isDeadlock, lockPiAtomic } from './futex-pi.js';
import type { Kernel } from './kernel.js';

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
 * @throws {LinuxError} EINVAL: negative counts, or somebody waits for a lock; EAGAIN: the word has another
 * value; EFAULT: a word
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
    if (wait.requeueKey !== null || wait.pi !== null) fail(EINVAL);
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

/**
 * Gives a lock to the first that waits at a word, and has others wait for the lock: those of
 * FUTEX_WAIT_REQUEUE_PI, which named it.
 *
 * @returns how many it was about
 * @throws {LinuxError} EINVAL: more than one to be woken, one word twice, somebody waits who named no lock or
 * another; EAGAIN: the word has another value; EDEADLK; and what lockPiAtomic() throws
 * @see kernel/futex/requeue.c, futex_requeue()
 */
export function futexRequeuePi(
  kernel: Kernel,
  from: FutexWord,
  to: FutexWord,
  { wakes, moves, value }: RequeueArgs,
): number {
  if (from.addr === to.addr || wakes !== 1 || moves < 0) fail(EINVAL);
  const key = keyOf(from);
  const lock = keyOf(to);
  if (sameKey(key, lock)) fail(EINVAL);
  if (value !== null && getUserU32(from.mm, from.addr) !== value) fail(EAGAIN);
  let count = 0;
  for (const wait of waitersAt(kernel, key)) {
    if (count >= wakes + moves) break;
    if (wait.requeueKey === null || wait.pi !== null || !sameKey(wait.requeueKey, lock))
      fail(EINVAL);
    const state = lockPiAtomic(wait.task, to, lock, moves > 0);
    count += 1;
    if (state === null) wait.wake();
    else if (isDeadlock(wait.task, state)) fail(EDEADLK);
    else {
      wait.pi = state;
      moveTo(kernel, wait, lock);
    }
  }
  return count;
}
