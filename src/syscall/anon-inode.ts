import { EOPNOTSUPP } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { Dentry, ownName } from '../vfs/dentry.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import {
  File,
  type FileOperations,
  FMODE_LSEEK,
  FMODE_PREAD,
  FMODE_PWRITE,
  FMODE_READ,
  FMODE_WRITE,
} from '../vfs/file.js';
import { O_RDWR } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { Inode } from '../vfs/inode.js';
import type { InodeOperations } from '../vfs/inode.js';
import { S_IFREG } from '../vfs/mode.js';
import type { SuperBlock } from '../vfs/super-block.js';

/** A kind of file that has no place in the tree. */
export interface AnonInode {
  /** Name as /proc/PID/fd shows it, between brackets. */
  readonly name: string;
  readonly fops: FileOperations;
  /** What the file stands for. */
  readonly data: unknown;
  /** Where its inodes are, when they are regular files of a file system of their own: pidfs. */
  readonly sb?: SuperBlock;
  /** Whether exec closes it (default: it does). */
  readonly cloexec?: boolean;
  /** O_* beside O_RDWR. */
  readonly flags?: number;
}

/** anon_inode_setattr() */
export const anonInodeOperations: InodeOperations = { setattr: () => fail(EOPNOTSUPP) };

/**
 * Opens a descriptor on something that is no file; each has an inode of its own.
 *
 * @throws {LinuxError} EMFILE: no descriptor free
 * @see fs/anon_inodes.c, anon_inode_getfd()
 */
export function anonInodeGetfd(task: TaskStruct, kind: AnonInode): number {
  const { vfs } = fsOf(task);
  const files = filesOf(task);
  const fd = files.lowestFree(nofileLimit(task));
  const { sb = vfs.pipefs } = kind;
  const regular = kind.sb !== undefined;
  const type = regular ? S_IFREG : 0;
  const inode = new Inode(sb, type | 0o700, 0, 0, anonInodeOperations, kind.fops);
  const dentry = new Dentry(`anon_inode:[${kind.name}]`, null, inode, ownName);
  // What is opened as a regular file has positions, even if there is nothing to read.
  const seeks = kind.fops.llseek === undefined ? 0 : FMODE_LSEEK;
  const mode = FMODE_READ | FMODE_WRITE | seeks | (regular ? FMODE_PREAD | FMODE_PWRITE : 0);
  const path = { mnt: vfs.pipeMount, dentry };
  const file = new File(path, O_RDWR | (kind.flags ?? 0), mode, task.cred, kind.fops);
  file.privateData = kind.data;
  files.install(fd, file, kind.cloexec ?? true);
  return fd;
}
