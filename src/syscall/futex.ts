import { EINVAL, ENOSYS, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { FUTEX_BITSET_MATCH_ANY, futexWait, futexWake, type FutexWord } from '../kernel/futex.js';
import { futexLockPi, futexUnlockPi, futexWaitRequeuePi } from '../kernel/futex-pi.js';
import { futexRequeue, futexRequeuePi } from '../kernel/futex-requeue.js';
import { futexWakeOp } from '../kernel/futex-wake-op.js';
import { ptraceMayAccess, PTRACE_MODE_READ_REALCREDS } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { currentMm, done, int, type SyscallFamily, uint, writeU64 } from './args.js';
import { readTimespec, wallTime } from './time.js';

// include/uapi/linux/futex.h
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const FUTEX_REQUEUE = 3;
const FUTEX_CMP_REQUEUE = 4;
const FUTEX_WAKE_OP = 5;
const FUTEX_LOCK_PI = 6;
const FUTEX_UNLOCK_PI = 7;
const FUTEX_TRYLOCK_PI = 8;
const FUTEX_WAIT_BITSET = 9;
const FUTEX_WAKE_BITSET = 10;
const FUTEX_WAIT_REQUEUE_PI = 11;
const FUTEX_CMP_REQUEUE_PI = 12;
const FUTEX_LOCK_PI2 = 13;
/** Those that take a timeout, and those that take one of either clock. */
const CLOCKED = [FUTEX_WAIT_BITSET, FUTEX_WAIT_REQUEUE_PI, FUTEX_LOCK_PI2];
const TIMED = [FUTEX_WAIT, FUTEX_LOCK_PI, ...CLOCKED];
const FUTEX_PRIVATE_FLAG = 128;
const FUTEX_CLOCK_REALTIME = 256;
const FUTEX_CMD_MASK = 127;
/** sizeof(struct robust_list_head) */
const ROBUST_LIST_HEAD_SIZE = 24;

/**
 * Waiting at words of memory, and waking who waits.
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

/** A command with its arguments as they are meant. */
interface FutexCall {
  readonly word: FutexWord;
  readonly second: FutexWord;
  readonly value: number;
  /** What the register of the timeout holds for calls without one: a second count. */
  readonly count: number;
  readonly value3: number;
  /** How long from now, Infinity for ever. */
  readonly ms: number;
}

const match = FUTEX_BITSET_MATCH_ANY;

/** The commands, by number. */
const COMMANDS: Readonly<Record<number, (task: TaskStruct, call: FutexCall) => number>> = {
  [FUTEX_WAIT]: (task, { word, value, ms }) => futexWait(task, word, { value, bitset: match, ms }),
  [FUTEX_WAKE]: ({ kernel }, { word, value }) => futexWake(kernel, word, value | 0, match),
  [FUTEX_REQUEUE]: ({ kernel }, { word, second, value, count }) =>
    futexRequeue(kernel, word, second, { wakes: value | 0, moves: count, value: null }),
  [FUTEX_CMP_REQUEUE]: ({ kernel }, { word, second, value, count, value3 }) =>
    futexRequeue(kernel, word, second, { wakes: value | 0, moves: count, value: value3 }),
  [FUTEX_WAKE_OP]: ({ kernel }, { word, second, value, count, value3 }) =>
    futexWakeOp(kernel, word, second, [value | 0, count], value3),
  [FUTEX_LOCK_PI]: (task, { word, ms }) => futexLockPi(task, word, ms),
  [FUTEX_UNLOCK_PI]: (task, { word }) => done(futexUnlockPi(task, word)),
  [FUTEX_TRYLOCK_PI]: (task, { word }) => futexLockPi(task, word, null),
  [FUTEX_WAIT_BITSET]: (task, { word, value, value3, ms }) =>
    futexWait(task, word, { value, bitset: value3, ms }),
  [FUTEX_WAKE_BITSET]: ({ kernel }, { word, value, value3 }) =>
    futexWake(kernel, word, value | 0, value3),
  [FUTEX_WAIT_REQUEUE_PI]: (task, { word, second, value, ms }) =>
    futexWaitRequeuePi(task, word, second, { value, bitset: match, ms }),
  [FUTEX_CMP_REQUEUE_PI]: ({ kernel }, { word, second, value, count, value3 }) =>
    futexRequeuePi(kernel, word, second, { wakes: value | 0, moves: count, value: value3 }),
  [FUTEX_LOCK_PI2]: (task, { word, ms }) => futexLockPi(task, word, ms),
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
  const timed = TIMED.includes(command) && timeout !== 0;
  const ms = timed ? waitTime(task, timeout, command, realtime) : Infinity;
  // Only waits for a moment say of which clock.
  if (realtime && !CLOCKED.includes(command)) fail(ENOSYS);
  const shared = (int(op) & FUTEX_PRIVATE_FLAG) === 0;
  const mm = currentMm(task);
  return (COMMANDS[command] ?? fail(ENOSYS))(task, {
    word: { mm, addr, shared },
    second: { mm, addr: addr2, shared },
    value: uint(value),
    count: int(timeout),
    value3: uint(value3),
    ms,
  });
}

/** Milliseconds that a wait may last: FUTEX_WAIT has a length, the others a moment. */
function waitTime(task: TaskStruct, timeout: U64, command: number, realtime: boolean): number {
  const ms = readTimespec(task, timeout);
  if (command === FUTEX_WAIT) return ms;
  const wall = realtime || command === FUTEX_LOCK_PI;
  return ms - (wall ? wallTime(task) : task.kernel.time());
}
