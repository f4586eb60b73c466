import type { TaskStruct } from '../kernel/task.js';
import { Dentry, ownName } from '../vfs/dentry.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import { File, type FileOperations, FMODE_READ, FMODE_WRITE } from '../vfs/file.js';
import { O_RDWR } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { Inode } from '../vfs/inode.js';

/** A kind of file that has no place in the tree. */
export interface AnonInode {
  /** Name as /proc/PID/fd shows it, between brackets. */
  readonly name: string;
  readonly fops: FileOperations;
  /** What the file stands for. */
  readonly data: unknown;
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
  const inode = new Inode(vfs.pipefs, 0o700, 0, 0, {}, kind.fops);
  const dentry = new Dentry(`anon_inode:[${kind.name}]`, null, inode, ownName);
  const mode = FMODE_READ | FMODE_WRITE;
  const path = { mnt: vfs.pipeMount, dentry };
  const file = new File(path, O_RDWR | (kind.flags ?? 0), mode, task.cred, kind.fops);
  file.privateData = kind.data;
  files.install(fd, file, true);
  return fd;
}
