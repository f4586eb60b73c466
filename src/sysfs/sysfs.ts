import { EACCES } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { setattrCopy, setattrPrepare } from '../vfs/attr.js';
import { Dentry } from '../vfs/dentry.js';
import { directoryOperations } from '../vfs/directory.js';
import type { FileOperations } from '../vfs/file.js';
import { FMODE_WRITE } from '../vfs/file.js';
import { Inode, type InodeOperations } from '../vfs/inode.js';
import { S_IFDIR, S_IFREG } from '../vfs/mode.js';
import { singleFile } from '../vfs/seq-file.js';
import type { Vfs } from '../vfs/vfs.js';
import { CPU, NODE, type SysfsTree } from './cpu.js';

/** What programs look for to learn of the machine: its CPUs, and the nodes of its memory. */
const TREE: SysfsTree = { devices: { system: { cpu: CPU, node: NODE } } };

/** An attribute: text that never changes, which the inode keeps. Nobody opens it to write, whatever he may. */
export const attributeOperations: FileOperations = singleFile(
  (_caller, { inode }) => inode.privateData as string,
  {
    open(_caller, file) {
      if ((file.mode & FMODE_WRITE) !== 0) fail(EACCES);
    },
  },
);

/** Owner, mode and times can be changed, and last (fs/kernfs/inode.c kernfs_iop_setattr()). */
export const sysfsInodeOperations: InodeOperations = {
  setattr(task, inode, attr) {
    setattrPrepare(task, inode, attr);
    setattrCopy(inode, attr);
  },
};

function fill(dir: Dentry, tree: SysfsTree): void {
  const { sb } = dir.inode;
  for (const [name, contents] of Object.entries(tree)) {
    const isFile = typeof contents === 'string';
    const mode = isFile ? S_IFREG | 0o444 : S_IFDIR | 0o755;
    const fops = isFile ? attributeOperations : directoryOperations;
    const inode = new Inode(sb, mode, 0, 0, sysfsInodeOperations, fops);
    const dentry = new Dentry(name, dir, inode);
    dir.setChild(name, dentry);
    if (isFile) {
      // Every attribute says that it is a page long.
      inode.fixedSize = PAGE_SIZE;
      inode.privateData = contents;
    } else {
      dir.inode.nlink += 1;
      fill(dentry, contents);
    }
  }
}

/**
 * A sysfs: what a machine mounts on /sys.
 * @see fs/sysfs/mount.c
 */
export function createSysfs(vfs: Vfs): Dentry {
  const sb = vfs.newSuperBlock('sysfs');
  const inode = new Inode(sb, S_IFDIR | 0o555, 0, 0, sysfsInodeOperations, directoryOperations);
  const root = new Dentry('/', null, inode);
  fill(root, TREE);
  return root;
}
