import type { Cred } from '../kernel/cred.js';
import { PageCache } from '../mm/page-cache.js';
import { Dentry, deletedName } from './dentry.js';
import { File, FMODE_LSEEK, FMODE_PREAD, FMODE_PWRITE, FMODE_READ, FMODE_WRITE } from './file.js';
import { O_LARGEFILE, O_RDWR } from './flags.js';
import { Inode } from './inode.js';
import { S_IFREG } from './mode.js';
import { shmemFileOperations } from './shmem.js';
import type { Vfs } from './vfs.js';

const MODE = FMODE_READ | FMODE_WRITE | FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE;

/**
 * Makes a file in memory that no directory names: it goes with its last descriptor and mapping.
 * @param name as paths show it, "/NAME (deleted)"
 * @param pages its contents, empty unless given
 * @see mm/shmem.c __shmem_file_setup()
 */
export function shmemFileSetup(
  vfs: Vfs,
  cred: Readonly<Cred>,
  name: string,
  pages = new PageCache(vfs.kernel.core, { kind: 'memory' }),
): File {
  const inode = new Inode(
    vfs.shm,
    S_IFREG | 0o777,
    cred.fsuid,
    cred.fsgid,
    {},
    shmemFileOperations,
  );
  inode.pages = pages;
  inode.nlink = 0;
  const dentry = new Dentry(name, null, inode, deletedName);
  const path = { mnt: vfs.shmMount, dentry };
  return new File(path, O_RDWR | O_LARGEFILE, MODE, cred, shmemFileOperations);
}
