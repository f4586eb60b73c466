import { LinuxError } from '../errno.js';
import type { U64 } from '../mm/address.js';
import { getUserU32, getUserU64, putUserU32 } from '../mm/user.js';
import { FUTEX_BITSET_MATCH_ANY, futexWake } from './futex.js';
import { FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from './futex-pi.js';
import type { MmStruct } from './mm-struct.js';
import type { TaskStruct } from './task.js';
import { toUserAddr } from './user-address.js';

/** Entries looked at: a list may be a circle. */
const ROBUST_LIST_LIMIT = 2048;

/**
 * Tells who waits for locks that a task held when it died: each word of its list says so, and one of those
 * that wait is woken. What cannot be read ends the walk.
 *
 *     struct robust_list_head   0 list.next   8 futex_offset   16 list_op_pending
 *
 * @see kernel/futex/core.c, exit_robust_list()
 */
export function exitRobustList(task: TaskStruct, mm: MmStruct): void {
  const head = task.robustList;
  task.robustList = 0;
  if (head === 0) return;
  try {
    walk(task, mm, head);
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
  }
}

const plus = (addr: U64, by: U64): U64 => toUserAddr(BigInt.asUintN(64, BigInt(addr) + BigInt(by)));

function walk(task: TaskStruct, mm: MmStruct, head: U64): void {
  const offset = getUserU64(mm, plus(head, 8));
  const pending = getUserU64(mm, plus(head, 16));
  let entry = getUserU64(mm, head);
  for (let i = 0; i < ROBUST_LIST_LIMIT && entry !== head; i++) {
    const at = BigInt(entry) & ~1n;
    const next = getUserU64(mm, toUserAddr(at));
    if (entry !== pending) ownerDied(task, { mm, entry, offset }, false);
    entry = next;
  }
  if (pending !== 0) ownerDied(task, { mm, entry: pending, offset }, true);
}

/** A lock in the list: a pointer to its entry, and how far from that its word is. */
interface RobustLock {
  readonly mm: MmStruct;
  /** Bit 0: a lock with priority inheritance, which exitPi() gives to the next. */
  readonly entry: U64;
  readonly offset: U64;
}

/** @see kernel/futex/core.c, handle_futex_death() */
function ownerDied(task: TaskStruct, { mm, entry, offset }: RobustLock, pending: boolean): void {
  const addr = plus(toUserAddr(BigInt(entry) & ~1n), offset);
  const value = getUserU32(mm, addr);
  const word = { mm, addr, shared: true };
  const owner = value & FUTEX_TID_MASK;
  const pi = (BigInt(entry) & 1n) !== 0n;
  if (pending && !pi && owner === 0) {
    futexWake(task.kernel, word, 1, FUTEX_BITSET_MATCH_ANY);
  }
  if (owner !== task.pid) return;
  putUserU32(mm, addr, ((value & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0);
  if (pi || (value & FUTEX_WAITERS) === 0) return;
  futexWake(task.kernel, word, 1, FUTEX_BITSET_MATCH_ANY);
}
