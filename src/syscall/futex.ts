import { EINVAL, ENOSYS, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import {
  FUTEX_BITSET_MATCH_ANY,
  futexRequeue,
  futexWait,
  futexWake,
  futexWakeOp,
  type FutexWord,
} from '../kernel/futex.js';
import { ptraceMayAccess, PTRACE_MODE_READ_REALCREDS } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { currentMm, int, type SyscallFamily, uint, writeU64 } from './args.js';
import { readTimespec, wallTime } from './time.js';

// include/uapi/linux/futex.h
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const FUTEX_REQUEUE = 3;
const FUTEX_CMP_REQUEUE = 4;
const FUTEX_WAKE_OP = 5;
const FUTEX_WAIT_BITSET = 9;
const FUTEX_WAKE_BITSET = 10;
const FUTEX_PRIVATE_FLAG = 128;
const FUTEX_CLOCK_REALTIME = 256;
const FUTEX_CMD_MASK = 127;
/** sizeof(struct robust_list_head) */
const ROBUST_LIST_HEAD_SIZE = 24;

/**
 * Waiting at words of memory, and waking who waits. The calls with priority inheritance are not there.
 *
 * @see kernel/futex/syscalls.c
 */
export const futexCalls: SyscallFamily = {
  futex: sysFutex,
  set_robust_list(task, head, length) {
    if (length !== ROBUST_LIST_HEAD_SIZE) fail(EINVAL);
    task.robustList = head;
    return 0;
  },
  get_robust_list(task, pid, head, length) {
    const target = int(pid) === 0 ? task : (task.kernel.findTask(int(pid)) ?? fail(ESRCH));
    if (!ptraceMayAccess(task, target, PTRACE_MODE_READ_REALCREDS)) fail(EPERM);
    writeU64(task, length, ROBUST_LIST_HEAD_SIZE);
    writeU64(task, head, target.robustList);
    return 0;
  },
};

function sysFutex(
  task: TaskStruct,
  addr: U64,
  op: U64,
  value: U64,
  timeout: U64,
  addr2: U64,
  value3: U64,
): number {
  const command = int(op) & FUTEX_CMD_MASK;
  const realtime = (int(op) & FUTEX_CLOCK_REALTIME) !== 0;
  const waits = command === FUTEX_WAIT || command === FUTEX_WAIT_BITSET;
  const ms = waits && timeout !== 0 ? waitTime(task, timeout, command, realtime) : Infinity;
  // Only waits with a moment of a clock say which.
  if (realtime && command !== FUTEX_WAIT_BITSET) fail(ENOSYS);
  const shared = (int(op) & FUTEX_PRIVATE_FLAG) === 0;
  const mm = currentMm(task);
  const word = { mm, addr, shared };
  const bitset = command === FUTEX_WAIT_BITSET || command === FUTEX_WAKE_BITSET;
  const bits = bitset ? uint(value3) : FUTEX_BITSET_MATCH_ANY;
  if (waits) return futexWait(task, word, { value: uint(value), bitset: bits, ms });
  if (command === FUTEX_WAKE || command === FUTEX_WAKE_BITSET) {
    return futexWake(task.kernel, word, int(value), bits);
  }
  const second: FutexWord = { mm, addr: addr2, shared };
  return onTwoWords(task, command, [word, second], [int(value), int(timeout)], uint(value3));
}

/** Milliseconds that a wait may last: FUTEX_WAIT has a length, the other a moment. */
function waitTime(task: TaskStruct, timeout: U64, command: number, realtime: boolean): number {
  const ms = readTimespec(task, timeout);
  if (command === FUTEX_WAIT) return ms;
  return ms - (realtime ? wallTime(task) : task.kernel.time());
}

function onTwoWords(
  task: TaskStruct,
  command: number,
  [word, second]: readonly [FutexWord, FutexWord],
  [first, other]: readonly [number, number],
  value3: number,
): number {
  const { kernel } = task;
  if (command === FUTEX_WAKE_OP) return futexWakeOp(kernel, word, second, [first, other], value3);
  if (command !== FUTEX_REQUEUE && command !== FUTEX_CMP_REQUEUE) fail(ENOSYS);
  const value = command === FUTEX_CMP_REQUEUE ? value3 : null;
  return futexRequeue(kernel, word, second, { wakes: first, moves: other, value });
}
