import { EFAULT, EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { IoSegment } from '../mm/access.js';
import { processVmRw } from '../mm/access.js';
import type { U64 } from '../mm/address.js';
import type { Iovec } from './iovec.js';
import { importIovec, iovecFromUser } from './iovec.js';
import type { MmStruct } from './mm-struct.js';
import { mmAccess, PTRACE_MODE_ATTACH_REALCREDS } from './ptrace.js';
import { stackLimit } from './rlimit.js';
import { transferLimit } from './syscall-entry.js';
import type { TaskStruct } from './task.js';

/** Both sides of a transfer, segments in order. */
export interface ProcessVmSegments {
  /** Segments of the caller, or arrays of the host. */
  readonly local: readonly IoSegment[];
  /** Segments of the other process; those of length 0 may point anywhere (K-213). */
  readonly remote: readonly Iovec[];
}

/** mm_access() refuses with EACCES; here that reads EPERM (K-212). */
function accessMm(caller: TaskStruct, pid: number): MmStruct {
  const task = caller.kernel.findTask(pid) ?? fail(ESRCH);
  try {
    return mmAccess(caller, task, PTRACE_MODE_ATTACH_REALCREDS);
  } catch (error) {
    if (error instanceof LinuxError && error.code === 'EACCES') fail(EPERM);
    throw error;
  }
}

/** The first segments of a call, `most` bytes of them: all but where a rule cuts the call short. */
function cutShort(segments: readonly IoSegment[], most: number): readonly IoSegment[] {
  if (most === Infinity) return segments;
  let left = most;
  return segments.map((segment) => {
    const length = Math.min(left, 'host' in segment ? segment.host.length : segment.length);
    left -= length;
    if ('host' in segment) return { host: segment.host.subarray(0, length) };
    return { addr: segment.addr, length };
  });
}

function isEmpty(segment: IoSegment): boolean {
  return ('host' in segment ? segment.host.length : segment.length) === 0;
}

/**
 * Copies between the caller's and another process's memory, without overriding protection; returns
 * the bytes copied up to the first page or byte that fails (K-214, K-215). With nothing to copy on
 * either side nobody is looked up (K-211).
 * @throws {LinuxError} ESRCH: no such process, or one without memory
 * @throws {LinuxError} EPERM: not permitted
 * @throws {LinuxError} EFAULT: not one byte could be copied
 * @see mm/process_vm_access.c, process_vm_rw_core()
 */
export function processVmAccess(
  caller: TaskStruct,
  pid: number,
  segments: ProcessVmSegments,
  write: boolean,
): number {
  const { remote } = segments;
  const local = cutShort(segments.local, transferLimit(caller));
  if (local.every(isEmpty) || remote.every(({ length }) => length === 0)) return 0;
  const remoteMm = accessMm(caller, pid);
  caller.kernel.core.current = caller;
  return processVmRw({
    localMm: caller.mm ?? remoteMm,
    local,
    remoteMm,
    remote,
    write,
    stackLimit: stackLimit(caller),
    grows: caller.kernel.profile.processVmGrowsStack,
  });
}

/** Registers of process_vm_readv and process_vm_writev. */
export interface ProcessVmArgs {
  readonly pid: number;
  readonly lvec: U64;
  readonly liovcnt: U64;
  readonly rvec: U64;
  readonly riovcnt: U64;
  readonly flags: U64;
}

/**
 * The system calls process_vm_readv and process_vm_writev.
 * @throws {LinuxError} EINVAL: flags, more than 1024 segments, or a negative length (K-210)
 * @throws {LinuxError} EFAULT: a bad array, or a local segment outside user space (K-210)
 * @throws {LinuxError} ESRCH, EPERM, EFAULT: see processVmAccess()
 * @see mm/process_vm_access.c, process_vm_rw()
 */
export function sysProcessVm(caller: TaskStruct, args: ProcessVmArgs, write: boolean): number {
  if (Number(args.flags) !== 0) fail(EINVAL);
  const mm = caller.mm ?? fail(EFAULT);
  const local = importIovec(mm, args.lvec, args.liovcnt);
  // The remote array is not even read when there is nothing to fill.
  if (local.every(isEmpty)) return 0;
  const remote = iovecFromUser(mm, args.rvec, args.riovcnt);
  return processVmAccess(caller, args.pid, { local, remote }, write);
}
