import { EBADF, EFAULT, EINVAL, ENOMEM, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { MADV_COLD, MADV_COLLAPSE, MADV_PAGEOUT, MADV_WILLNEED } from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail, LinuxError } from '../errno.js';
import { CAP_SYS_NICE, capable } from '../kernel/capability.js';
import { importIovec } from '../kernel/iovec.js';
import { mmAccess, PTRACE_MODE_READ_FSCREDS } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import { accessOk } from '../mm/address.js';
import { madvise } from '../mm/madvise.js';
import type { MapFile } from '../mm/map-file.js';
import { mseal } from '../mm/mseal.js';
import { mincore, msync } from '../mm/residency.js';
import { File } from '../vfs/file.js';
import { MAY_WRITE } from '../vfs/mode.js';
import { inodeOwnerOrCapable, inodePermission } from '../vfs/permission.js';
import { toU64, type U64 } from '../vfs/u64.js';
import { currentMm, done, int, type SyscallFamily, uint, writeUser } from './args.js';
import { mmLimits } from '../kernel/mm-limits.js';
import { taskOfPidfd } from './pidfd.js';

/** Advice about another process's memory: what changes nothing that it can see. */
const REMOTE_ADVICE = [MADV_COLD, MADV_PAGEOUT, MADV_WILLNEED, MADV_COLLAPSE];
/** pidfd numbers that stand for the caller itself (include/uapi/linux/pidfd.h). */
const PIDFD_SELF_THREAD = -10000;
const PIDFD_SELF_THREAD_GROUP = -10001;

/**
 * Who could not write a file learns nothing of its pages in memory, nor moves them.
 * @see mm/mincore.c, can_do_mincore(); mm/madvise.c, can_do_file_pageout()
 */
function mayWriteFile(task: TaskStruct, file: MapFile): boolean {
  if (!(file instanceof File)) return false;
  if (inodeOwnerOrCapable(task, file.inode)) return true;
  try {
    inodePermission(task, file.inode, MAY_WRITE);
    return true;
  } catch (error) {
    if (error instanceof LinuxError) return false;
    throw error;
  }
}

/** Gives advice about memory of a task. @throws {LinuxError} see madvise() */
export function sysMadvise(task: TaskStruct, addr: U64, length: U64, advice: number): void {
  const limits = mmLimits(task);
  madvise(currentMm(task), addr, length, advice, limits, mayWriteFile.bind(null, task));
}

/**
 * Advice about memory, and questions about it.
 *
 * @see mm/madvise.c, mm/mincore.c, mm/msync.c, mm/mseal.c
 */
export const memoryAdviceCalls: SyscallFamily = {
  madvise: (task, addr, length, advice) => done(sysMadvise(task, addr, length, int(advice))),
  process_madvise: (task, pidfd, vec, count, advice, flags) =>
    processMadvise(task, int(pidfd), { vec, count, advice: int(advice), flags: uint(flags) }),
  mseal: (task, addr, length, flags) =>
    done(mseal(currentMm(task), addr, length, flags, mmLimits(task))),
  msync: (task, addr, length, flags) => done(msync(currentMm(task), addr, length, int(flags))),
  mincore: (task, addr, length, vec) => done(sysMincore(task, addr, length, vec)),
};

/**
 * @throws {LinuxError} EINVAL: unaligned; ENOMEM: outside user memory, or a hole; EFAULT: the vector
 * @see mm/mincore.c, SYSCALL_DEFINE3(mincore)
 */
function sysMincore(task: TaskStruct, addr: U64, length: U64, vec: U64): void {
  if (BigInt(addr) % BigInt(PAGE_SIZE) !== 0n) fail(EINVAL);
  if (typeof addr === 'bigint' || typeof length === 'bigint') fail(ENOMEM);
  if (!accessOk(addr, length)) fail(ENOMEM);
  if (!accessOk(vec, Math.ceil(length / PAGE_SIZE))) fail(EFAULT);
  const store = (offset: number, bytes: Uint8Array): void =>
    writeUser(task, Number(vec) + offset, bytes);
  mincore(currentMm(task), addr, length, store, mayWriteFile.bind(null, task));
}

interface ProcessMadvise {
  readonly vec: U64;
  readonly count: U64;
  readonly advice: number;
  readonly flags: number;
}

/** @throws {LinuxError} EBADF: no pidfd; ESRCH: its process has exited */
function adviceTarget(task: TaskStruct, pidfd: number): TaskStruct {
  if (pidfd === PIDFD_SELF_THREAD) return task;
  if (pidfd === PIDFD_SELF_THREAD_GROUP) return task.group.leader;
  if (pidfd < 0) fail(EBADF);
  return taskOfPidfd(task, pidfd) ?? fail(ESRCH);
}

/**
 * madvise for the segments of a vector, of another process's memory too; the bytes of the segments before
 * the first that fails.
 * @throws {LinuxError} EINVAL: flags, or advice that may only be given about the own memory; EBADF; ESRCH;
 * EACCES: no READ access; EPERM: no CAP_SYS_NICE; and what madvise() says of the first segment
 * @see mm/madvise.c, SYSCALL_DEFINE5(process_madvise)
 */
function processMadvise(task: TaskStruct, pidfd: number, request: ProcessMadvise): U64 {
  const { vec, count, advice, flags } = request;
  if (flags !== 0) fail(EINVAL);
  const segments = importIovec(currentMm(task), vec, count);
  const mm = mmAccess(task, adviceTarget(task, pidfd), PTRACE_MODE_READ_FSCREDS);
  if (mm !== task.mm) {
    if (!REMOTE_ADVICE.includes(advice)) fail(EINVAL);
    if (!capable(task, task.kernel.initUserNs, CAP_SYS_NICE)) fail(EPERM);
  }
  const limits = mmLimits(task);
  let total = 0;
  for (const { addr, length } of segments) {
    try {
      madvise(mm, addr, length, advice, limits, mayWriteFile.bind(null, task));
    } catch (error) {
      if (error instanceof LinuxError && total > 0) break;
      throw error;
    }
    total += length;
  }
  return toU64(BigInt(total));
}
