import { EISDIR } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { FileOperations } from './file.js';
import { seqLlseek } from './llseek.js';
import { fsUmodeToDtype } from './mode.js';

/**
 * Reading a directory as a file fails.
 * @throws {LinuxError} EISDIR
 * @see fs/libfs.c generic_read_dir()
 */
export function genericReadDir(): never {
  fail(EISDIR);
}

/**
 * A directory whose dentries are its contents. The newest name comes first, as in the kernel's
 * list.
 * @see fs/libfs.c simple_dir_operations
 */
export const directoryOperations: FileOperations = {
  read: genericReadDir,
  llseek: seqLlseek,
  fsync: () => {},
  *iterate(_task, file) {
    const { children } = file.path.dentry;
    for (const child of [...children.values()].reverse()) {
      const { name, inode } = child;
      // It may have gone, or to another directory, since the listing began.
      const stands = (): boolean => children.get(name) === child;
      if (stands()) yield { name, ino: inode.ino, type: fsUmodeToDtype(inode.mode), stands };
    }
  },
  iterateResumes: () => true,
};
