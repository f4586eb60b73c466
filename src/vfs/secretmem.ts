import { EINVAL, ENXIO } from '../../assembly/abi/errno.js';
import { VM_DONTDUMP, VM_LOCKED, VM_SECRETMEM } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { PageCache } from '../mm/page-cache.js';
import { setattrCopy, setattrPrepare } from './attr.js';
import { Dentry, deletedName } from './dentry.js';
import { filesOf, nofileLimit } from './fdtable.js';
import { File, FMODE_READ, FMODE_WRITE } from './file.js';
import type { FileOperations } from './file.js';
import { O_CLOEXEC, O_LARGEFILE, O_RDWR } from './flags.js';
import { fsOf } from './fs-struct.js';
import { Inode } from './inode.js';
import type { InodeOperations } from './inode.js';
import { S_IFREG } from './mode.js';

/** Shared mappings and nothing else reach the contents (K-143). */
export const secretmemOperations: FileOperations = {
  open: () => fail(ENXIO),
  mmap: (_task, file) => file,
};

/** The size is given once. */
export const secretmemInodeOperations: InodeOperations = {
  setattr(task, inode, attr) {
    if (attr.size !== undefined && inode.size > 0) fail(EINVAL);
    setattrPrepare(task, inode, attr);
    setattrCopy(inode, attr);
  },
};

/**
 * memfd_secret: memory that only its own mappings show, not even to the kernel.
 * @throws {LinuxError} EINVAL: flags; EMFILE
 * @see mm/secretmem.c memfd_secret()
 */
export function memfdSecret(task: TaskStruct, flags: number): number {
  if ((flags & ~O_CLOEXEC) !== 0) fail(EINVAL);
  const files = filesOf(task);
  const fd = files.lowestFree(nofileLimit(task));
  const { vfs } = fsOf(task);
  const { fsuid, fsgid } = task.cred;
  const mode = S_IFREG | 0o600;
  const inode = new Inode(
    vfs.internalSuperBlock('secretmem'),
    mode,
    fsuid,
    fsgid,
    secretmemInodeOperations,
    secretmemOperations,
  );
  inode.pages = new PageCache(vfs.kernel.core, { kind: 'memory' });
  inode.nlink = 0;
  const dentry = new Dentry('secretmem', null, inode, deletedName);
  const path = { mnt: vfs.shmMount, dentry };
  const file = new File(
    path,
    O_RDWR | O_LARGEFILE,
    FMODE_READ | FMODE_WRITE,
    task.cred,
    secretmemOperations,
  );
  file.vmFlags = VM_SECRETMEM | VM_LOCKED | VM_DONTDUMP;
  files.install(fd, file, (flags & O_CLOEXEC) !== 0);
  return fd;
}
