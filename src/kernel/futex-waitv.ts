import { EAGAIN, ERESTARTSYS, ETIMEDOUT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { U64 } from '../mm/address.js';
import { getUserU32 } from '../mm/user.js';
import { FUTEX_BITSET_MATCH_ANY, FutexWait, type FutexWord, keyOf } from './futex.js';
import { endSleep, timedOut, type Waiting } from './sleep.js';
import type { TaskStruct } from './task.js';

/** One task that waits at several words. */
export class FutexWaitv implements Waiting {
  /** Where the caller has the list of them. */
  readonly list: U64;
  readonly waits: readonly FutexWait[];

  constructor(list: U64, waits: readonly FutexWait[]) {
    this.list = list;
    this.waits = waits;
  }

  get woken(): boolean {
    return this.waits.some(({ woken }) => woken);
  }

  leave(): void {
    for (const wait of this.waits) wait.leave();
  }
}

/**
 * Waits until one of several words wakes it.
 *
 * @param list where the caller has the list of them
 * @param words each with the value it must have
 * @param ms how long from now
 * @returns which one, the last of several; -ERESTARTSYS while it waits
 * @throws {LinuxError} EAGAIN: a word has another value; ETIMEDOUT; EINVAL, EFAULT: a word
 * @see kernel/futex/waitwake.c, futex_wait_multiple()
 */
export function futexWaitv(
  task: TaskStruct,
  list: U64,
  words: readonly (FutexWord & { readonly value: number })[],
  ms: number,
): number {
  const { waiting } = task;
  if (waiting instanceof FutexWaitv && waiting.list === list) {
    if (waiting.woken) return waiting.waits.map(({ woken }) => woken).lastIndexOf(true);
    return timedOut(task, 'futex_waitv', ms) ? fail(ETIMEDOUT) : -ERESTARTSYS;
  }
  endSleep(task);
  const keys = words.map(keyOf);
  for (const { mm, addr, value } of words) if (getUserU32(mm, addr) !== value) fail(EAGAIN);
  if (timedOut(task, 'futex_waitv', ms)) fail(ETIMEDOUT);
  const waits = words.map(({ addr }, i) => {
    return new FutexWait(task, addr, keys[i]!, FUTEX_BITSET_MATCH_ANY);
  });
  task.waiting = new FutexWaitv(list, waits);
  return -ERESTARTSYS;
}
