import { EOPNOTSUPP } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { Dentry } from '../vfs/dentry.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import {
  File,
  type FileOperations,
  FMODE_PREAD,
  FMODE_PWRITE,
  FMODE_READ,
  FMODE_WRITE,
} from '../vfs/file.js';
import { O_RDWR } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { Inode } from '../vfs/inode.js';
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
  /** O_* beside O_RDWR. */
  readonly flags?: number;
}

/**
 * Opens a descriptor, closed on exec, on something that is no file; each has an inode of its own.
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
  // anon_inode_setattr()
  const iops = { setattr: () => fail(EOPNOTSUPP) };
  const inode = new Inode(sb, regular ? S_IFREG | 0o700 : 0o700, 0, 0, iops, kind.fops);
  const dentry = new Dentry('', null, inode, () => `anon_inode:[${kind.name}]`);
  // What is opened as a regular file has positions, even if there is nothing to read.
  const mode = FMODE_READ | FMODE_WRITE | (regular ? FMODE_PREAD | FMODE_PWRITE : 0);
  const path = { mnt: vfs.pipeMount, dentry };
  const file = new File(path, O_RDWR | (kind.flags ?? 0), mode, task.cred, kind.fops);
  file.privateData = kind.data;
  files.install(fd, file, true);
  return fd;
}
