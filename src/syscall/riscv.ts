import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { addU64, type U64 } from '../vfs/u64.js';
import { readUser, type SyscallFamily, uint, writeUser } from './args.js';

/**
 * What the hart is, by key of riscv_hwprobe(): maker, architecture and implementation are nobody's; the base
 * is IMA with F and D and C; misaligned accesses are fast.
 */
const HWPROBE: ReadonlyMap<bigint, bigint> = new Map([
  [0n, 0n],
  [1n, 0n],
  [2n, 0n],
  [3n, 1n],
  [4n, 3n],
  [5n, 3n],
  [6n, 0n],
  [7n, 0x7ffffffff000n],
  [8n, 1_000_000_000n],
  [9n, 3n],
]);
const PAIR_SIZE = 16;
const SYS_RISCV_FLUSH_ICACHE_ALL = 1;

/**
 * The calls of riscv alone.
 *
 * @see arch/riscv/kernel/sys_riscv.c, sys_hwprobe.c
 */
export const riscvCalls: SyscallFamily = {
  riscv_flush_icache(_task, _start, _end, flags) {
    if ((uint(flags) & ~SYS_RISCV_FLUSH_ICACHE_ALL) !== 0) fail(EINVAL);
    // Stores are seen by fetches at once.
    return 0;
  },
  riscv_hwprobe(task, pairs, count, cpusetsize, cpus, flags) {
    if (uint(flags) !== 0) fail(EINVAL);
    if ((cpusetsize === 0) !== (cpus === 0)) fail(EINVAL);
    for (let i = 0; i < count; i++) probe(task, addU64(pairs, i * PAIR_SIZE));
    return 0;
  },
};

/** An unknown key becomes -1, with the value 0. */
function probe(task: TaskStruct, addr: U64): void {
  const pair = readUser(task, addr, PAIR_SIZE);
  const value = HWPROBE.get(pair.getBigInt64(0, true));
  if (value === undefined) pair.setBigInt64(0, -1n, true);
  pair.setBigUint64(8, value ?? 0n, true);
  writeUser(task, addr, pair);
}
