import { EIO } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { setattrCopy, setattrPrepare } from '../vfs/attr.js';
import { Dentry } from '../vfs/dentry.js';
import { Inode } from '../vfs/inode.js';
import type { InodeOperations } from '../vfs/inode.js';
import { S_IFREG } from '../vfs/mode.js';
import { singleFile } from '../vfs/seq-file.js';
import { alwaysStands } from './proc-inode.js';

/**
 * Unlike those about tasks, entries of the root keep a mode and an owner that they are given.
 * @see fs/proc/generic.c proc_notify_change()
 */
const iops: InodeOperations = {
  setattr(task, inode, attr) {
    setattrPrepare(task, inode, attr);
    setattrCopy(inode, attr);
  },
};

/**
 * Hangs a file of text about the machine, a byte string, into the root.
 * @see fs/proc/generic.c proc_create_single_data(), fs/proc/inode.c proc_reg_write()
 */
export function procCreateSingle(
  root: Dentry,
  name: string,
  show: (caller: TaskStruct) => string,
): void {
  const fops = singleFile((caller) => show(caller), {
    write: () => fail(EIO),
    mmap: () => fail(EIO),
    spliceRead: true,
  });
  const inode = new Inode(root.inode.sb, S_IFREG | 0o444, 0, 0, iops, fops);
  inode.privateData = alwaysStands;
  root.children.set(name, new Dentry(name, root, inode));
}
