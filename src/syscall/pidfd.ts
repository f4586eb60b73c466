import { EBADF, EINVAL, ENOENT, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { checkPidfdGetfd } from '../kernel/kcmp.js';
import { sysKill } from '../kernel/kill.js';
import type { Pid } from '../kernel/pid.js';
import type { TaskStruct } from '../kernel/task.js';
import { Dentry, type Path } from '../vfs/dentry.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import { File, type FileOperations, FMODE_READ, FMODE_WRITE } from '../vfs/file.js';
import { O_EXCL, O_NONBLOCK, O_RDWR, POLLIN, POLLRDNORM } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { Inode } from '../vfs/inode.js';
import { int, type SyscallFamily, uint } from './args.js';

/** A descriptor for any thread rather than a process. */
const PIDFD_THREAD = O_EXCL;
const PIDFD_NONBLOCK = O_NONBLOCK;

/**
 * Descriptors that stand for processes.
 *
 * @see kernel/pid.c, fs/pidfs.c
 */
export const pidfdCalls: SyscallFamily = {
  pidfd_open: (task, pid, flags) => pidfdOpen(task, int(pid), uint(flags)),
  pidfd_getfd: (task, pidfd, fd, flags) => pidfdGetfd(task, int(pidfd), int(fd), uint(flags)),
  pidfd_send_signal(task, pidfd, signal, _info, flags) {
    if (uint(flags) !== 0) fail(EINVAL);
    const target = pidOf(task, int(pidfd)).task ?? fail(ESRCH);
    sysKill(task, target.pid, int(signal));
    return 0;
  },
};

const pidfdOperations: FileOperations = {
  poll: (file) => ((file.privateData as Pid).task?.exited === false ? 0 : POLLIN | POLLRDNORM),
};

/**
 * @throws {LinuxError} EINVAL: unknown flags, or no positive number; ESRCH: no such task; ENOENT: a
 * thread that is not the leader, without PIDFD_THREAD
 */
function pidfdOpen(task: TaskStruct, nr: number, flags: number): number {
  if ((flags & ~(PIDFD_NONBLOCK | PIDFD_THREAD)) !== 0 || nr <= 0) fail(EINVAL);
  const target = task.kernel.findTask(nr) ?? fail(ESRCH);
  if ((flags & PIDFD_THREAD) === 0 && !target.isLeader) fail(ENOENT);
  const files = filesOf(task);
  const fd = files.lowestFree(nofileLimit(task));
  const mode = FMODE_READ | FMODE_WRITE;
  const file = new File(pidfdPath(task), O_RDWR | flags, mode, task.cred, pidfdOperations);
  file.privateData = target.threadPid;
  files.install(fd, file, true);
  return fd;
}

/** Files of this kind have no place in the tree; each has an inode of its own. */
function pidfdPath(task: TaskStruct): Path {
  const { vfs } = fsOf(task);
  const inode = new Inode(vfs.pipefs, 0o700, 0, 0, {}, pidfdOperations);
  return { mnt: vfs.pipeMount, dentry: new Dentry('', null, inode, () => 'anon_inode:[pidfd]') };
}

function pidOf(task: TaskStruct, fd: number): Pid {
  const file = filesOf(task).get(fd);
  return file.fops === pidfdOperations ? (file.privateData as Pid) : fail(EBADF);
}

/**
 * @throws {LinuxError} EINVAL: flags; EBADF: no pidfd, or no such descriptor there; ESRCH: the
 * process has exited; EPERM: not permitted; EMFILE
 */
function pidfdGetfd(task: TaskStruct, pidfd: number, fd: number, flags: number): number {
  if (flags !== 0) fail(EINVAL);
  const target = pidOf(task, pidfd).task ?? fail(ESRCH);
  checkPidfdGetfd(task, target);
  if (target.files === null) fail(ESRCH);
  const file = filesOf(target).rawFile(fd);
  const files = filesOf(task);
  const copy = files.lowestFree(nofileLimit(task));
  file.get();
  files.install(copy, file, true);
  return copy;
}
