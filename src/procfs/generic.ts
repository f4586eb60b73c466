import { EIO } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { setattrCopy, setattrPrepare } from '../vfs/attr.js';
import { Dentry } from '../vfs/dentry.js';
import type { File, FileOperations } from '../vfs/file.js';
import { Inode } from '../vfs/inode.js';
import type { InodeOperations } from '../vfs/inode.js';
import { S_IFREG } from '../vfs/mode.js';
import { singleFile } from '../vfs/seq-file.js';
import { alwaysStands } from './proc-inode.js';

/**
 * Unlike those about tasks, entries of the root keep a mode and an owner that they are given.
 * @see fs/proc/generic.c proc_notify_change()
 */
export const rootFileInodeOperations: InodeOperations = {
  setattr(task, inode, attr) {
    setattrPrepare(task, inode, attr);
    setattrCopy(inode, attr);
  },
};

/**
 * What a file of text about the machine, a byte string, does.
 * @see fs/proc/generic.c proc_create_single_data(), fs/proc/inode.c proc_reg_write()
 */
export function procSingle(show: (caller: TaskStruct, file: File) => string): FileOperations {
  return singleFile(show, {
    write: () => fail(EIO),
    mmap: () => fail(EIO),
    spliceRead: true,
  });
}

/** Hangs such a file into the root. */
export function procCreateSingle(root: Dentry, name: string, fops: FileOperations): void {
  const inode = new Inode(root.inode.sb, S_IFREG | 0o444, 0, 0, rootFileInodeOperations, fops);
  inode.privateData = alwaysStands;
  root.setChild(name, new Dentry(name, root, inode));
}
