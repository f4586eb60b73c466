import { ENOSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { U64 } from '../mm/address.js';
import { getUserU32, putUserU32 } from '../mm/user.js';
import { FUTEX_BITSET_MATCH_ANY, futexWake, type FutexWord, keyOf } from './futex.js';
import type { Kernel } from './kernel.js';
import type { MmStruct } from './mm-struct.js';

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
