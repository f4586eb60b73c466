import {
  EBADF,
  EFAULT,
  EINVAL,
  EISDIR,
  EOPNOTSUPP,
  EPERM,
  EXDEV,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_ADMIN, CAP_SYS_RAWIO, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import { getUserU32, getUserU64, putUserU32 } from '../mm/user.js';
import { filesOf } from './fdtable.js';
import { type File, FMODE_READ, FMODE_WRITE } from './file.js';
import { O_APPEND } from './flags.js';
import { isDir, isReg } from './mode.js';
import type { U64 } from './u64.js';

// include/uapi/linux/fs.h, include/uapi/linux/fiemap.h
const FIBMAP = 1;
const FIFREEZE = 0xc0045877;
const FITHAW = 0xc0045878;
const FICLONE = 0x40049409;
const FICLONERANGE = 0x4020940d;
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_FIEMAP = 0xc020660b;
const FS_IMMUTABLE_FL = 0x10;

/**
 * Calls about the blocks of a file, which no file system here has: copying tools try some of them first, and
 * go on by the error. null: ask the file itself.
 *
 * @throws {LinuxError} EOPNOTSUPP: clones and extents; EBADF, EXDEV, EISDIR, EINVAL: what cannot be cloned
 *   anywhere; EPERM: without CAP_SYS_ADMIN or CAP_SYS_RAWIO; EFAULT
 * @see fs/ioctl.c do_vfs_ioctl()
 */
export function fileIoctl(task: TaskStruct, file: File, cmd: number, arg: U64): number | null {
  const { inode } = file;
  const init = task.kernel.initUserNs;
  switch (cmd >>> 0) {
    case FICLONE:
      return clone(task, file, Number(BigInt.asIntN(32, BigInt(arg))));
    case FICLONERANGE: {
      const fd = getUserU64(task.mm ?? fail(EFAULT), arg);
      return clone(task, file, Number(BigInt.asIntN(32, BigInt(fd))));
    }
    case FS_IOC_FIEMAP:
      return fail(EOPNOTSUPP);
    case FIFREEZE:
      return capable(task, init, CAP_SYS_ADMIN) ? fail(EOPNOTSUPP) : fail(EPERM);
    case FITHAW:
      return capable(task, init, CAP_SYS_ADMIN) ? fail(EINVAL) : fail(EPERM);
    case FIBMAP:
      if (!isReg(inode.mode)) return null;
      if (!capable(task, init, CAP_SYS_RAWIO)) fail(EPERM);
      getUserU32(task.mm ?? fail(EFAULT), arg);
      return fail(EINVAL);
    case FS_IOC_GETFLAGS:
      if (inode.sb.type !== 'tmpfs') return null;
      putUserU32(task.mm ?? fail(EFAULT), arg, inode.immutable ? FS_IMMUTABLE_FL : 0);
      return 0;
    default:
      return null;
  }
}

/** @see fs/remap_range.c vfs_clone_file_range(), fs/read_write.c generic_file_rw_checks() */
function clone(task: TaskStruct, to: File, fd: number): never {
  const from = filesOf(task).get(fd);
  if (from.inode.sb !== to.inode.sb) fail(EXDEV);
  if (isDir(from.inode.mode) || isDir(to.inode.mode)) fail(EISDIR);
  if (!isReg(from.inode.mode) || !isReg(to.inode.mode)) fail(EINVAL);
  if ((from.mode & FMODE_READ) === 0 || (to.mode & FMODE_WRITE) === 0) fail(EBADF);
  if ((to.flags & O_APPEND) !== 0) fail(EBADF);
  return fail(EOPNOTSUPP);
}
