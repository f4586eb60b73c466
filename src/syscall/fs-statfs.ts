import { EBADF, EINVAL, ESPIPE } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Path } from '../vfs/dentry.js';
import { filesOf } from '../vfs/fdtable.js';
import { FMODE_READ } from '../vfs/file.js';
import { AT_FDCWD } from '../vfs/flags.js';
import { isDir, isLnk, isReg, S_IFIFO, S_IFMT } from '../vfs/mode.js';
import { filenameLookup, LOOKUP_FOLLOW } from '../vfs/namei.js';
import { vfsStatfs } from '../vfs/statfs.js';
import { toSigned, type U64 } from '../vfs/u64.js';
import { int, type SyscallFamily, uint, userPath, writeUser } from './args.js';

/** Bytes of struct statfs with fields of 64 bits (include/uapi/asm-generic/statfs.h). */
const STATFS_SIZE = 120;
/** SYNC_FILE_RANGE_*: include/uapi/linux/fs.h. */
const SYNC_FILE_RANGE_ALL = 7;
/** POSIX_FADV_NORMAL to POSIX_FADV_NOREUSE. */
const POSIX_FADV_MAX = 5;

function put(task: TaskStruct, buf: U64, path: Path): number {
  const stat = vfsStatfs(path);
  const view = new DataView(new ArrayBuffer(STATFS_SIZE));
  const { type, bsize, blocks, bfree, files, ffree } = stat;
  [type, bsize, blocks, bfree, bfree, files, ffree].forEach((value, i) => {
    view.setBigUint64(8 * i, BigInt(value), true);
  });
  view.setUint32(56, stat.fsid, true);
  view.setUint32(64, stat.namelen, true);
  view.setUint32(72, bsize, true); // f_frsize
  view.setUint32(80, stat.flags, true);
  writeUser(task, buf, view);
  return 0;
}

/**
 * File systems as wholes, and advice on files.
 *
 * @see fs/statfs.c, mm/fadvise.c
 */
export const statfsCalls: SyscallFamily = {
  statfs: (task, path, buf) =>
    put(task, buf, filenameLookup(task, AT_FDCWD, userPath(task, path), LOOKUP_FOLLOW)),
  fstatfs: (task, fd, buf) => put(task, buf, filesOf(task).rawFile(int(fd)).path),

  /** Nothing is read ahead here, so that advice is only checked. */
  fadvise64(task, fd, _offset, _length, advice) {
    const { inode } = filesOf(task).get(int(fd));
    if ((inode.mode & S_IFMT) === S_IFIFO) fail(ESPIPE);
    if (int(advice) < 0 || int(advice) > POSIX_FADV_MAX) fail(EINVAL);
    return 0;
  },
  readahead(task, fd) {
    const { mode, inode } = filesOf(task).get(int(fd));
    if ((mode & FMODE_READ) === 0) fail(EBADF);
    return isReg(inode.mode) ? 0 : fail(EINVAL);
  },

  /** What is written goes to its file at once, so that there is nothing to wait for. */
  sync_file_range(task, fd, offset, length, flags) {
    const { inode } = filesOf(task).get(int(fd));
    const [start, bytes] = [toSigned(offset), toSigned(length)];
    if ((uint(flags) & ~SYNC_FILE_RANGE_ALL) !== 0) fail(EINVAL);
    if (start < 0n || bytes < 0n || start + bytes >= 1n << 63n) fail(EINVAL);
    if (!isReg(inode.mode) && !isDir(inode.mode) && !isLnk(inode.mode)) fail(ESPIPE);
    return 0;
  },
  syncfs: (task, fd) => (filesOf(task).get(int(fd)), 0),
};
