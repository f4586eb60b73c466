import { EBUSY, EFAULT, EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { accessOk, TASK_SIZE, type U64 } from '../mm/address.js';
import { copyFromUser, copyToUser, getUserU64, putUserU64 } from '../mm/user.js';
import type { MmStruct } from './mm-struct.js';
import type { TaskStruct } from './task.js';
import { toUserAddr } from './user-address.js';

/*
 *     struct rseq      0 cpu_id_start   4 cpu_id   8 rseq_cs   16 flags   20 node_id   24 mm_cid   28 end
 *     struct rseq_cs   0 version   4 flags   8 start_ip   16 post_commit_offset   24 abort_ip   32
 */
/** Bytes of it that the kernel knows, and what it is aligned to. */
export const RSEQ_END = 28;
export const RSEQ_ALIGN = 32;
/** The size of its first version, which is enough however it grows. */
const ORIG_RSEQ_SIZE = 32;
const RSEQ_CS = 8;
const RSEQ_FLAGS = 16;
const RSEQ_CS_SIZE = 32;
const RSEQ_FLAG_UNREGISTER = 1;
const RSEQ_CPU_ID_UNINITIALIZED = 0xffffffff;

/** Where a thread keeps what its restartable sequences need (rseq of task_struct). */
export interface Rseq {
  readonly addr: U64;
  readonly length: number;
  /** What lies before every place where a sequence goes on when it was aborted. */
  readonly signature: number;
}

/**
 * Registers a thread's area for restartable sequences, or gives it up.
 *
 * @throws {LinuxError} EINVAL: flags, another area, its size or alignment; EPERM: another signature; EBUSY:
 * registered already; EFAULT
 * @see kernel/rseq.c, SYSCALL_DEFINE4(rseq)
 */
export function sysRseq(task: TaskStruct, mm: MmStruct, asked: Rseq, flags: number): void {
  const { rseq } = task;
  const same = rseq?.addr === asked.addr && rseq.length === asked.length;
  const signed = rseq?.signature === asked.signature;
  if ((flags & RSEQ_FLAG_UNREGISTER) !== 0) {
    if (flags !== RSEQ_FLAG_UNREGISTER || !same) fail(EINVAL);
    if (!signed) fail(EPERM);
    writeIds(mm, asked.addr, RSEQ_CPU_ID_UNINITIALIZED);
    task.rseq = null;
    return;
  }
  if (flags !== 0) fail(EINVAL);
  if (rseq !== null) {
    if (!same) fail(EINVAL);
    fail(signed ? EBUSY : EPERM);
  }
  checkArea(asked);
  // A sequence of whoever used this memory before is none of this thread's.
  putUserU64(mm, at(asked, RSEQ_CS), 0);
  task.rseq = asked;
  writeIds(mm, asked.addr, 0);
}

function checkArea({ addr, length }: Rseq): void {
  const aligned = Number(BigInt(addr) % BigInt(RSEQ_ALIGN)) === 0;
  const large = length === ORIG_RSEQ_SIZE || length >= RSEQ_END;
  if (length < ORIG_RSEQ_SIZE || !aligned || !large) fail(EINVAL);
  if (!accessOk(addr, length)) fail(EFAULT);
}

const at = ({ addr }: Rseq, offset: number): U64 => toUserAddr(BigInt(addr) + BigInt(offset));

/** CPU, node and concurrency id are 0: there is one CPU (rseq_update_cpu_node_id()). */
function writeIds(mm: MmStruct, addr: U64, cpu: number): void {
  const ids = { addr, length: 0, signature: 0 };
  copyToUser(mm, addr, new Uint8Array(Uint32Array.of(0, cpu).buffer));
  copyToUser(mm, at(ids, 20), new Uint8Array(8));
}

/**
 * Another thread ran, or a handler is about to: whoever is in the middle of a sequence begins it anew.
 *
 * @param pc where the thread is
 * @returns where it goes on, or null: just there
 * @throws {LinuxError} EFAULT, EINVAL: what the thread registered makes no sense, which is its death
 * @see kernel/rseq.c, rseq_ip_fixup()
 */
export function rseqIpFixup(task: TaskStruct, pc: bigint): bigint | null {
  const { rseq, mm } = task;
  if (rseq === null || mm === null) return null;
  const pointer = getUserU64(mm, at(rseq, RSEQ_CS));
  if (pointer === 0) return null;
  const { start, length, abort } = readSection(mm, rseq, pointer);
  const flags = new DataView(copyFromUser(mm, at(rseq, RSEQ_FLAGS), 4).buffer);
  const inside = BigInt.asUintN(64, pc - start) < length;
  if (inside && flags.getUint32(0, true) !== 0) fail(EINVAL);
  putUserU64(mm, at(rseq, RSEQ_CS), 0);
  return inside ? abort : null;
}

interface Section {
  readonly start: bigint;
  readonly length: bigint;
  readonly abort: bigint;
}

/** @see kernel/rseq.c, rseq_get_rseq_cs() */
function readSection(mm: MmStruct, rseq: Rseq, pointer: U64): Section {
  const view = new DataView(copyFromUser(mm, pointer, RSEQ_CS_SIZE).buffer);
  const [start, length, abort] = [8, 16, 24].map((offset) => view.getBigUint64(offset, true)) as [
    bigint,
    bigint,
    bigint,
  ];
  const limit = BigInt(TASK_SIZE);
  if (start >= limit || start + length >= limit || abort >= limit) fail(EINVAL);
  if (view.getUint32(0, true) > 0 || view.getUint32(4, true) !== 0) fail(EINVAL);
  // Where it goes on lies outside.
  if (BigInt.asUintN(64, abort - start) < length) fail(EINVAL);
  const before = new DataView(copyFromUser(mm, toUserAddr(abort - 4n), 4).buffer);
  if (before.getUint32(0, true) !== rseq.signature) fail(EINVAL);
  return { start, length, abort };
}
