import { EFAULT, EINVAL, ENOTTY } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Mm } from '../mm/mm.js';
import { getUserU32, putUserU32, putUserU64 } from '../mm/user.js';
import { filesOf } from './fdtable.js';
import type { File } from './file.js';
import { FMODE_PATH } from './file.js';
import {
  O_NONBLOCK,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
} from './flags.js';
import { fileIoctl } from './file-ioctl.js';
import { isDir, isLnk, isReg } from './mode.js';
import type { U64 } from './u64.js';

/** What a file without a poll operation is ready for (K-022). */
const DEFAULT_POLLMASK = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

// include/uapi/asm-generic/ioctls.h, include/uapi/linux/fs.h
const FIONBIO = 0x5421;
const FIONREAD = 0x541b;
const FIONCLEX = 0x5450;
const FIOCLEX = 0x5451;
const FIOQSIZE = 0x5460;
const FIGETBSZ = 2;

function callerMm(task: TaskStruct): Mm {
  return task.mm ?? fail(EFAULT);
}

/**
 * What every file has, by its inode; null: ask the file itself.
 * @see fs/ioctl.c do_vfs_ioctl()
 */
function doVfsIoctl(task: TaskStruct, file: File, cmd: number, arg: U64): number | null {
  const { inode } = file;
  const { mode, sb } = inode;
  switch (cmd) {
    case FIONBIO: {
      const on = getUserU32(callerMm(task), arg) !== 0;
      file.flags = on ? file.flags | O_NONBLOCK : file.flags & ~O_NONBLOCK;
      return 0;
    }
    case FIONREAD:
      // IS_ANON_FILE(): no file of a tree.
      if (!isReg(mode) || ['pidfs', 'secretmem'].includes(inode.sb.type)) return null;
      putUserU32(
        callerMm(task),
        arg,
        Number(BigInt.asUintN(32, BigInt(inode.size) - BigInt(file.pos))),
      );
      return 0;
    case FIOQSIZE: {
      if (!isReg(mode) && !isDir(mode) && !isLnk(mode)) fail(ENOTTY);
      const bytes = (inode.pages?.cachedPages ?? 0) * PAGE_SIZE;
      putUserU64(callerMm(task), arg, bytes);
      return 0;
    }
    case FIGETBSZ:
      putUserU32(callerMm(task), arg, sb.blockSize);
      return 0;
    default:
      return fileIoctl(task, file, cmd, arg);
  }
}

/**
 * ioctl: those of the descriptor, those of every file, then the file's own.
 * @throws {LinuxError} EBADF; EFAULT; ENOTTY: the file has no such call; what the call throws
 * @see fs/ioctl.c ioctl()
 */
export function sysIoctl(task: TaskStruct, fd: number, cmd: number, arg: U64): number {
  const files = filesOf(task);
  const file = files.get(fd);
  if (cmd === FIOCLEX || cmd === FIONCLEX) {
    files.setCloexec(fd, cmd === FIOCLEX);
    return 0;
  }
  const done = doVfsIoctl(task, file, cmd, arg);
  if (done !== null) return done;
  return file.fops.ioctl === undefined ? fail(ENOTTY) : file.fops.ioctl(task, file, cmd, arg);
}

/**
 * fsync and fdatasync.
 * @throws {LinuxError} EBADF; EINVAL: the file has nothing to sync (K-022)
 * @see fs/sync.c do_fsync()
 */
export function sysFsync(task: TaskStruct, fd: number): void {
  const file = filesOf(task).get(fd);
  if (file.fops.fsync === undefined) fail(EINVAL);
  file.fops.fsync(file);
}

/** POLL* bits of an open file as of now. */
export function pollFile(file: File): number {
  return file.fops.poll?.(file) ?? DEFAULT_POLLMASK;
}

/**
 * The revents of one pollfd, without waiting.
 * @see fs/select.c do_pollfd()
 */
export function doPollfd(task: TaskStruct, fd: number, events: number): number {
  if (fd < 0) return 0;
  const file = filesOf(task).getRaw(fd);
  if (file === null || (file.mode & FMODE_PATH) !== 0) return POLLNVAL;
  return pollFile(file) & (events | POLLERR | POLLHUP);
}
