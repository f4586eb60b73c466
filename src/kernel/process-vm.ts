import { EFAULT, EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { accessOk, type U64 } from '../mm/address.js';
import {
  processVmHost,
  processVmPair,
  processVmRw,
  type ProcessVmRules,
  type RemoteSegment,
} from '../mm/process-vm.js';
import type { Iovec, UserIovec } from './iovec.js';
import {
  importIovec,
  iovecBase,
  iovecFromUser,
  iovecLength,
  iovecWords,
  MAX_RW_COUNT,
} from './iovec.js';
import type { MmStruct } from './mm-struct.js';
import { mmAccess, PTRACE_MODE_ATTACH_REALCREDS } from './ptrace.js';
import { stackLimit } from './rlimit.js';
import { actAs } from './rusage.js';
import { transferLimit } from './syscall-entry.js';
import type { TaskStruct } from './task.js';

/** Who is meant by a number. */
function byPid(caller: TaskStruct, pid: number): TaskStruct {
  return caller.kernel.findTask(pid) ?? fail(ESRCH);
}

/** mm_access() refuses with EACCES; here that reads EPERM (K-212). */
function accessMm(caller: TaskStruct, task: TaskStruct): MmStruct {
  try {
    return mmAccess(caller, task, PTRACE_MODE_ATTACH_REALCREDS);
  } catch (error) {
    if (error instanceof LinuxError && error.code === 'EACCES') fail(EPERM);
    throw error;
  }
}

/** Whether there is nothing to fill or to take. */
function allEmpty(segments: readonly Iovec[]): boolean {
  for (let i = 0; i < segments.length; i++) {
    if ((segments[i] as Iovec).length > 0) return false;
  }
  return true;
}

/** Shortens the segments to `most` bytes in all: a rule may cut a call short. */
function cutShort(segments: readonly UserIovec[], most: number): void {
  if (most === Infinity) return;
  let left = most;
  for (const segment of segments) {
    segment.length = Math.min(left, segment.length);
    left -= segment.length;
  }
}

function rulesOf(caller: TaskStruct, write: boolean): ProcessVmRules {
  const grows = caller.kernel.profile.processVmGrowsStack;
  return { write, stackLimit: stackLimit(caller), grows };
}

/**
 * Copies between an array of the host and another process's memory, as the calls below do.
 * @returns bytes copied, up to the first page that fails; nothing to copy looks nobody up (K-211)
 * @throws {LinuxError} ESRCH, EPERM, EFAULT: see sysProcessVm()
 */
export function processVmArray(
  caller: TaskStruct,
  task: TaskStruct,
  addr: U64,
  host: Uint8Array,
  write: boolean,
): number {
  const most = transferLimit(caller);
  if (host.length === 0 || most === 0) return 0;
  const remoteMm = accessMm(caller, task);
  actAs(caller);
  return processVmHost(remoteMm, addr, host, most, rulesOf(caller, write));
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

/** The same as below for one segment on either side, the commonest call: nothing is allocated. */
function sysProcessVmPair(
  caller: TaskStruct,
  mm: MmStruct,
  args: ProcessVmArgs,
  write: boolean,
): number {
  // Each array is taken apart before the next call into the core, which may use the words again.
  const localWords = iovecWords(mm, args.lvec, 1);
  const localAddr = iovecBase(localWords, 0);
  const localLength = Math.min(iovecLength(localWords, 0), MAX_RW_COUNT);
  if (!accessOk(localAddr, localLength)) fail(EFAULT);
  if (localLength === 0) return 0;
  const remoteWords = iovecWords(mm, args.rvec, 1);
  const remoteAddr = iovecBase(remoteWords, 0);
  const remoteLength = iovecLength(remoteWords, 0);
  const to = localAddr as number;
  // With nothing to copy nobody is looked up (K-211).
  if (remoteLength === 0) return 0;
  const task = byPid(caller, args.pid);
  return processVmRange(caller, task, remoteAddr, remoteLength, to, localLength, write);
}

/**
 * Copies between a range of the caller's memory, which lies in user space, and one of another process's, as
 * far as the shorter reaches.
 * @returns bytes copied, up to the first page that fails on either side; nothing looks nobody up (K-211)
 * @throws {LinuxError} ESRCH, EPERM, EFAULT: see sysProcessVm()
 */
export function processVmRange(
  caller: TaskStruct,
  task: TaskStruct,
  remoteAddr: U64,
  remoteLength: number,
  localAddr: number,
  localLength: number,
  write: boolean,
): number {
  const mm = caller.mm ?? fail(EFAULT);
  const most = Math.min(localLength, transferLimit(caller));
  if (most === 0 || remoteLength === 0) return 0;
  const remoteMm = accessMm(caller, task);
  actAs(caller);
  const limit = stackLimit(caller);
  const grows = caller.kernel.profile.processVmGrowsStack;
  return processVmPair(
    remoteMm,
    remoteAddr,
    remoteLength,
    mm,
    localAddr,
    most,
    write,
    limit,
    grows,
  );
}

/**
 * The system calls process_vm_readv and process_vm_writev: copy between the caller's and another process's
 * memory, without overriding protection.
 * @returns bytes copied, up to the first page or byte that fails (K-214, K-215)
 * @throws {LinuxError} EINVAL: flags, more than 1024 segments, or a negative length (K-210)
 * @throws {LinuxError} EFAULT: a bad array, or a local segment outside user space (K-210); not one byte
 *   could be copied
 * @throws {LinuxError} ESRCH: no such process, or one without memory; EPERM: not permitted
 * @see mm/process_vm_access.c, process_vm_rw()
 */
export function sysProcessVm(caller: TaskStruct, args: ProcessVmArgs, write: boolean): number {
  if (Number(args.flags) !== 0) fail(EINVAL);
  const mm = caller.mm ?? fail(EFAULT);
  if (args.liovcnt === 1 && args.riovcnt === 1) return sysProcessVmPair(caller, mm, args, write);
  const local = importIovec(mm, args.lvec, args.liovcnt);
  // The remote array is not even read when there is nothing to fill.
  if (allEmpty(local)) return 0;
  const remote: readonly RemoteSegment[] = iovecFromUser(mm, args.rvec, args.riovcnt);
  cutShort(local, transferLimit(caller));
  // With nothing to fill or to take nobody is looked up (K-211).
  if (allEmpty(local) || allEmpty(remote)) return 0;
  const remoteMm = accessMm(caller, byPid(caller, args.pid));
  actAs(caller);
  return processVmRw(remoteMm, remote, mm, local, rulesOf(caller, write));
}
