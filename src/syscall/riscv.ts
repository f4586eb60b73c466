import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { HWPROBE } from '../kernel/vdso-hwprobe.js';
import { addU64, type U64 } from '../vfs/u64.js';
import { readUser, type SyscallFamily, uint, writeUser } from './args.js';

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
  const key = pair.getBigUint64(0, true);
  const value = key < BigInt(HWPROBE.length) ? HWPROBE[Number(key)] : undefined;
  if (value === undefined) pair.setBigInt64(0, -1n, true);
  pair.setBigUint64(8, value ?? 0n, true);
  writeUser(task, addr, pair);
}
