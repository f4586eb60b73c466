import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CLOCK_MONOTONIC, CLOCK_REALTIME, clockNow } from '../kernel/clock.js';
import { futexWait, futexWake, type FutexWord } from '../kernel/futex.js';
import { futexRequeue } from '../kernel/futex-requeue.js';
import { futexWaitv } from '../kernel/futex-waitv.js';
import type { TaskStruct } from '../kernel/task.js';
import { toU64, type U64 } from '../vfs/u64.js';
import { currentMm, int, readUser, type SyscallFamily, uint } from './args.js';
import { readTimespec } from './time.js';

// include/uapi/linux/futex.h
const FUTEX2_SIZE_MASK = 3;
const FUTEX2_SIZE_U32 = 2;
const FUTEX2_PRIVATE = 128;
const FUTEX_WAITV_MAX = 128;
/** sizeof(struct futex_waitv) */
const FUTEX_WAITV_SIZE = 24;

/**
 * Futexes whose words are described by flags each.
 *
 * @see kernel/futex/syscalls.c
 */
export const futex2Calls: SyscallFamily = {
  futex_waitv(task, list, count, flags, timeout, clock) {
    if (uint(flags) !== 0) fail(EINVAL);
    if (uint(count) === 0 || uint(count) > FUTEX_WAITV_MAX || list === 0) fail(EINVAL);
    const ms = timeLeft(task, timeout, clock);
    return futexWaitv(task, list, readWords(task, list, uint(count)), ms);
  },
  futex_wake(task, addr, mask, count, flags) {
    const word = wordOf(task, addr, uint(flags));
    if (BigInt(mask) > 0xffffffffn) fail(EINVAL);
    return int(count) === 0 ? 0 : futexWake(task.kernel, word, int(count), uint(mask));
  },
  futex_wait(task, addr, value, mask, flags, timeout, clock) {
    const word = wordOf(task, addr, uint(flags));
    if (BigInt(value) > 0xffffffffn || BigInt(mask) > 0xffffffffn) fail(EINVAL);
    const ms = timeLeft(task, timeout, clock);
    return futexWait(task, word, { value: uint(value), bitset: uint(mask), ms });
  },
  futex_requeue(task, list, flags, wakes, moves) {
    if (uint(flags) !== 0 || list === 0) fail(EINVAL);
    const [from, to] = readWords(task, list, 2);
    if (from === undefined || to === undefined) return fail(EINVAL);
    const { value } = from;
    return futexRequeue(task.kernel, from, to, { wakes: int(wakes), moves: int(moves), value });
  },
};

/** @throws {LinuxError} EINVAL: flags that nobody knows, or a word of another size */
function wordOf(task: TaskStruct, addr: U64, flags: number): FutexWord {
  if ((flags & ~(FUTEX2_SIZE_MASK | FUTEX2_PRIVATE)) !== 0) fail(EINVAL);
  if ((flags & FUTEX2_SIZE_MASK) !== FUTEX2_SIZE_U32) fail(EINVAL);
  return { mm: currentMm(task), addr, shared: (flags & FUTEX2_PRIVATE) === 0 };
}

/**
 *     struct futex_waitv   0 val   8 uaddr   16 flags   20 __reserved
 */
function readWords(task: TaskStruct, list: U64, count: number): (FutexWord & { value: number })[] {
  const view = readUser(task, list, count * FUTEX_WAITV_SIZE);
  return Array.from({ length: count }, (_, i) => {
    const at = i * FUTEX_WAITV_SIZE;
    if (view.getUint32(at + 20, true) !== 0) fail(EINVAL);
    const word = wordOf(
      task,
      toU64(view.getBigUint64(at + 8, true)),
      view.getUint32(at + 16, true),
    );
    const value = view.getBigUint64(at, true);
    return value > 0xffffffffn ? fail(EINVAL) : { ...word, value: Number(value) };
  });
}

/** Milliseconds until a moment; for ever without one. @throws {LinuxError} EINVAL: the clock, the time; EFAULT */
function timeLeft(task: TaskStruct, timeout: U64, clock: U64): number {
  if (timeout === 0) return Infinity;
  const id = int(clock);
  if (id !== CLOCK_REALTIME && id !== CLOCK_MONOTONIC) fail(EINVAL);
  return readTimespec(task, timeout) - clockNow(task.kernel, id);
}
