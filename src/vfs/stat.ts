import { EINVAL, ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Path } from './dentry.js';
import { filesOf } from './fdtable.js';
import type { File } from './file.js';
import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_NOFOLLOW,
} from './flags.js';
import type { Inode } from './inode.js';
import { isLnk } from './mode.js';
import { filenameLookup, LOOKUP_EMPTY } from './namei.js';
import { lookupForChange } from './attr.js';
import type { U64 } from './u64.js';

/**
 * What stat tells (struct kstat). Ids are kuid and kgid; the syscall layer shows them to its
 * caller.
 */
export interface Kstat {
  /** As user space encodes it: makedev(). */
  readonly dev: number;
  readonly ino: number;
  /** Type and permissions. */
  readonly mode: number;
  nlink: number;
  uid: number;
  gid: number;
  /** The device it is, encoded as dev. */
  readonly rdev: number;
  /** Bytes. */
  size: U64;
  /** Bytes a read should ask for. */
  readonly blksize: number;
  /** Units of 512 bytes. */
  blocks: number;
  /** Milliseconds since the epoch. */
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
  /** When it was made; null: the file system does not say. */
  readonly btime: number | null;
  /** The mount it was found by. */
  readonly mountId: number;
  /** It is the top of that mount. */
  readonly isMountRoot: boolean;
  /** Nobody may change it. */
  readonly immutable: boolean;
  /** Nanoseconds since the epoch of times that were set, while they are those above. */
  readonly exactAtime?: bigint;
  readonly exactMtime?: bigint;
}

/**
 * The attributes of the file at a path.
 * @throws {LinuxError} what the file system's getattr refuses
 * @see fs/stat.c vfs_getattr(), generic_fillattr()
 */
export function vfsGetattr(task: TaskStruct, path: Path): Kstat {
  const { dentry, mnt } = path;
  const { inode } = dentry;
  const stat: Kstat = {
    dev: inode.sb.dev,
    ino: inode.ino,
    mode: inode.mode,
    nlink: inode.nlink,
    uid: inode.uid,
    gid: inode.gid,
    rdev: inode.rdev,
    size: inode.size,
    blksize: inode.sb.blockSize,
    blocks: inode.pages === null ? 0 : inode.pages.cachedPages * 8,
    atime: inode.atime,
    mtime: inode.mtime,
    ctime: inode.ctime,
    btime: inode.sb.type === 'tmpfs' ? inode.btime : null,
    mountId: mnt.id,
    isMountRoot: dentry === mnt.root,
    immutable: inode.immutable,
    ...exactTimes(inode),
  };
  inode.iops.getattr?.(task, inode, stat);
  return stat;
}

/** Times count to the nanosecond until another one is stored. */
function exactTimes({ exactTimes, atime, mtime }: Inode): Partial<Kstat> {
  if (exactTimes === null) return {};
  return {
    ...(exactTimes.atime?.ms === atime ? { exactAtime: exactTimes.atime.ns } : {}),
    ...(exactTimes.mtime?.ms === mtime ? { exactMtime: exactTimes.mtime.ns } : {}),
  };
}

/**
 * newfstatat and statx: the file a path names.
 * @throws {LinuxError} EINVAL: flags; the walk's errors; what getattr refuses
 * @see fs/stat.c vfs_statx()
 */
export function vfsStatat(task: TaskStruct, dfd: number, name: string, flags: number): Kstat {
  const known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
  if ((flags & ~known) !== 0) fail(EINVAL);
  return vfsGetattr(task, lookupForChange(task, dfd, name, flags));
}

/**
 * fstat; O_PATH descriptors too.
 * @throws {LinuxError} EBADF; what getattr refuses
 * @see fs/stat.c vfs_fstat()
 */
export function vfsFstat(task: TaskStruct, fd: number): Kstat {
  return vfsFileStat(task, filesOf(task).rawFile(fd));
}

/** The attributes of an open file. */
function vfsFileStat(task: TaskStruct, file: File): Kstat {
  return vfsGetattr(task, file.path);
}

/**
 * readlinkat: the whole text of a symbolic link; an empty path names the link an O_PATH `dfd`
 * holds.
 * @param bufsiz bytes of the caller's buffer
 * @throws {LinuxError} EINVAL: bufsiz, or no link; ENOENT: an empty path and `dfd` no link; the
 *   walk's; what a magic link refuses
 * @see fs/stat.c do_readlinkat()
 */
export function readlinkat(task: TaskStruct, dfd: number, name: string, bufsiz: number): string {
  if (bufsiz <= 0) fail(EINVAL);
  const path = filenameLookup(task, dfd, name, LOOKUP_EMPTY);
  const { inode } = path.dentry;
  if (!isLnk(inode.mode)) fail(name === '' ? ENOENT : EINVAL);
  const text =
    inode.iops.readlink?.(task, inode, path.dentry) ??
    inode.iops.getLink?.(task, inode, path.dentry);
  if (typeof text !== 'string') fail(EINVAL);
  return text;
}
