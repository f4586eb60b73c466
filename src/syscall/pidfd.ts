import { EBADF, EINVAL, ENOENT, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { checkPidfdGetfd } from '../kernel/kcmp.js';
import {
  PIDFD_SIGNAL_PROCESS_GROUP,
  PIDFD_SIGNAL_THREAD,
  PIDFD_SIGNAL_THREAD_GROUP,
  pidfdSendSignal,
} from '../kernel/pidfd-signal.js';
import type { Pid } from '../kernel/pid.js';
import { SIGINFO_SIZE } from '../kernel/siginfo.js';
import type { TaskStruct } from '../kernel/task.js';
import { copyFromUser } from '../mm/user.js';
import { tgidPidfdToPid } from '../procfs/root.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import type { File, FileOperations } from '../vfs/file.js';
import { fsOf } from '../vfs/fs-struct.js';
import { O_EXCL, O_NONBLOCK, POLLIN, POLLRDNORM } from '../vfs/flags.js';
import type { U64 } from '../vfs/u64.js';
import { anonInodeGetfd } from './anon-inode.js';
import { currentMm, int, type SyscallFamily, uint } from './args.js';

/** A descriptor for any thread rather than a process. */
export const PIDFD_THREAD = O_EXCL;
const PIDFD_NONBLOCK = O_NONBLOCK;
// In place of a descriptor: the caller's thread, and its process.
const PIDFD_SELF_THREAD = -10000;
const PIDFD_SELF_THREAD_GROUP = -10001;

/**
 * Descriptors that stand for processes.
 *
 * @see kernel/pid.c, fs/pidfs.c
 */
export const pidfdCalls: SyscallFamily = {
  pidfd_open: (task, pid, flags) => pidfdOpen(task, int(pid), uint(flags)),
  pidfd_getfd: (task, pidfd, fd, flags) => pidfdGetfd(task, int(pidfd), int(fd), uint(flags)),
  pidfd_send_signal: (task, pidfd, signal, info, flags) =>
    sendSignal(task, { pidfd: int(pidfd), signal: int(signal), info, flags: uint(flags) }),
  process_mrelease: (task, pidfd, flags) => processMrelease(task, int(pidfd), uint(flags)),
};

/** The number, -1 after the reap (fs/pidfs.c, pidfd_show_fdinfo()). */
function pidfdShowFdinfo(file: File): string {
  const { task, nr } = file.privateData as Pid;
  const shown = task === null ? -1 : nr;
  return `Pid:\t${shown}\nNSpid:\t${shown}\n`;
}

export const pidfdOperations: FileOperations = {
  poll: (file) => ((file.privateData as Pid).task?.exited === false ? 0 : POLLIN | POLLRDNORM),
  showFdinfo: pidfdShowFdinfo,
};

/** Opens a descriptor for a task, closed on exec (kernel/fork.c, pidfd_prepare()). */
export function pidfdFor(task: TaskStruct, target: TaskStruct, flags: number): number {
  const data = target.threadPid;
  const sb = fsOf(task).vfs.internalSuperBlock('pidfs');
  return anonInodeGetfd(task, { name: 'pidfd', fops: pidfdOperations, data, flags, sb });
}

/**
 * @throws {LinuxError} EINVAL: unknown flags, or no positive number; ESRCH: no such task; ENOENT: a
 * thread that is not the leader, without PIDFD_THREAD
 */
function pidfdOpen(task: TaskStruct, nr: number, flags: number): number {
  if ((flags & ~(PIDFD_NONBLOCK | PIDFD_THREAD)) !== 0 || nr <= 0) fail(EINVAL);
  const target = task.kernel.findTask(nr) ?? fail(ESRCH);
  if ((flags & PIDFD_THREAD) === 0 && !target.isLeader) fail(ENOENT);
  return pidfdFor(task, target, flags);
}

/** The number a pidfd stands for, or null where a descriptor is none; EBADF without one. */
export function pidfdPid(task: TaskStruct, fd: number): Pid | null {
  const file = filesOf(task).get(fd);
  return file.fops === pidfdOperations ? (file.privateData as Pid) : null;
}

/**
 * The number a pidfd or a PIDFD_SELF_* value stands for.
 *
 * @throws {LinuxError} EBADF: neither
 */
function pidOf(task: TaskStruct, fd: number): Pid {
  if (fd === PIDFD_SELF_THREAD) return task.threadPid;
  if (fd === PIDFD_SELF_THREAD_GROUP) return task.group.leader.threadPid;
  return pidfdPid(task, fd) ?? fail(EBADF);
}

/**
 * The task a pidfd stands for, null once it is reaped.
 *
 * @throws {LinuxError} EBADF: no pidfd
 */
export function taskOfPidfd(task: TaskStruct, fd: number): TaskStruct | null {
  return pidOf(task, fd).task;
}

/**
 * @throws {LinuxError} EINVAL: flags; EBADF: no pidfd, or no such descriptor there; ESRCH: the
 * process has exited; EPERM: not permitted; EMFILE
 */
function pidfdGetfd(task: TaskStruct, pidfd: number, fd: number, flags: number): number {
  if (flags !== 0) fail(EINVAL);
  const target = (pidfdPid(task, pidfd) ?? fail(EBADF)).task ?? fail(ESRCH);
  checkPidfdGetfd(task, target);
  if (target.files === null) fail(ESRCH);
  const file = filesOf(target).rawFile(fd);
  const files = filesOf(task);
  const copy = files.lowestFree(nofileLimit(task));
  file.get();
  files.install(copy, file, true);
  return copy;
}

interface SignalArgs {
  readonly pidfd: number;
  readonly signal: number;
  readonly info: U64;
  readonly flags: number;
}

/**
 * Signals a task by a pidfd or a directory /proc/PID.
 *
 * @throws {LinuxError} EINVAL: flags, no such signal, or another one in `info`; EBADF: the
 * descriptor; EFAULT: `info`; ESRCH: nobody; EPERM: not permitted
 */
function sendSignal(task: TaskStruct, args: SignalArgs): number {
  const { pidfd, signal, info, flags } = args;
  const kinds = PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP | PIDFD_SIGNAL_PROCESS_GROUP;
  // At most one of them: a power of two.
  if ((flags & ~kinds) !== 0 || (flags & (flags - 1)) !== 0) fail(EINVAL);
  const { pid, thread } = signalTarget(task, pidfd);
  const given = info === 0 ? null : copyFromUser(currentMm(task), info, SIGINFO_SIZE).slice();
  const kind = flags !== 0 ? flags : thread ? PIDFD_SIGNAL_THREAD : PIDFD_SIGNAL_THREAD_GROUP;
  pidfdSendSignal(task, pid, { signal, info: given, kind });
  return 0;
}

function signalTarget(task: TaskStruct, fd: number): { pid: Pid; thread: boolean } {
  if (fd === PIDFD_SELF_THREAD) return { pid: task.threadPid, thread: true };
  if (fd === PIDFD_SELF_THREAD_GROUP) return { pid: pidOf(task, fd), thread: false };
  const file = filesOf(task).get(fd);
  const pid = pidfdPid(task, fd) ?? tgidPidfdToPid(file) ?? fail(EBADF);
  return { pid, thread: (file.flags & PIDFD_THREAD) !== 0 };
}

/**
 * Frees the memory of a process that is dying. Here a dying process has none left at once.
 *
 * @throws {LinuxError} EINVAL: flags, or it is not dying; EBADF: no pidfd; ESRCH: no memory
 * @see mm/oom_kill.c, SYSCALL_DEFINE2(process_mrelease)
 */
function processMrelease(task: TaskStruct, pidfd: number, flags: number): never {
  if (flags !== 0) fail(EINVAL);
  const target = taskOfPidfd(task, pidfd) ?? fail(ESRCH);
  return fail(target.group.threads.some(({ mm }) => mm !== null) ? EINVAL : ESRCH);
}
