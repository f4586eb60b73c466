import { EIO } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { ByteSource } from '../elf/source.js';
import { fail, LinuxError } from '../errno.js';
import type { ExeFile } from '../kernel/mm-struct.js';
import { PageCache } from '../mm/page-cache.js';
import { Dentry } from '../vfs/dentry.js';
import type { Path } from '../vfs/dentry.js';
import type { File } from '../vfs/file.js';
import { FMODE_LSEEK, FMODE_PREAD, FMODE_READ } from '../vfs/file.js';
import { Inode } from '../vfs/inode.js';
import { S_IFREG } from '../vfs/mode.js';
import { shmemFileOperations } from '../vfs/shmem.js';
import type { SuperBlock } from '../vfs/super-block.js';
import type { Vfs } from '../vfs/vfs.js';

/** Puts the contents of page `index` into 4096 zeros; throws LinuxError where they cannot be had. */
type Fill = (index: number, page: Uint8Array) => void;

/** An absolute path without `.`, `..` or empty parts, outside the file systems that are not of files. */
const PLAIN_PATH = /^(?!\/(?:proc|sys|dev)\/)(?:\/(?!\.\.?(?:\/|$))[^/\0]+)+$/;

/**
 * The files of a process whose core is loaded into a machine: those that are to be had, at their
 * paths, and what stands in for those that are not. Pages are read when they are needed.
 */
export class CoreFileSystem {
  readonly #vfs: Vfs;
  readonly #sb: SuperBlock;

  constructor(vfs: Vfs) {
    this.#vfs = vfs;
    this.#sb = vfs.newSuperBlock('corefs', { readOnly: true });
  }

  /**
   * Puts a file at its path, read-only, and opens it; what the machine has there already stays.
   *
   * @returns null where the path is none for a file
   */
  add(path: string, source: ByteSource): File | null {
    if (!PLAIN_PATH.test(path)) return null;
    const slash = path.lastIndexOf('/');
    const dir = this.#directory(path.slice(0, slash + 1));
    if (dir === null) return null;
    const name = path.slice(slash + 1);
    const fill: Fill = (index, page) => page.set(source.read(index * PAGE_SIZE, PAGE_SIZE));
    const dentry =
      dir.dentry.children.get(name) ??
      this.#vfs.addEntry(dir, name, this.#inode(0o755, source.size, fill));
    return dentry.inode.pages === null ? null : this.#open(dentry);
  }

  /** The directory of a path, or null where the tree has none and takes none. */
  #directory(path: string): Path | null {
    try {
      return this.#vfs.makeDirectory(path);
    } catch (error) {
      if (error instanceof LinuxError) return null;
      throw error;
    }
  }

  /**
   * Opens what stands in for memory that a core names but does not have: its pages are filled by
   * `fill`, and a page that it refuses is one the disk has lost: SIGBUS to the process, EIO to a
   * reader of its mem file, never zeros.
   *
   * @param label what /proc/PID/maps shows as its path: nothing has it in any directory
   * @param size bytes, up to the end of the mapping
   */
  standIn(label: string, size: number, fill: Fill): File {
    const inode = this.#inode(0o400, size, fill);
    // Without a name its pages go with its last mapping.
    inode.nlink = 0;
    return this.#open(new Dentry('', null, inode, () => label));
  }

  #inode(permissions: number, size: number, fill: Fill): Inode {
    const inode = new Inode(this.#sb, S_IFREG | permissions, 0, 0, {}, shmemFileOperations);
    inode.pages = new PageCache(this.#vfs.kernel.core, { kind: 'host', fill });
    inode.pages.resize(size);
    return inode;
  }

  #open(dentry: Dentry): File {
    const path = { mnt: this.#vfs.rootMount, dentry };
    const mode = FMODE_READ | FMODE_LSEEK | FMODE_PREAD;
    return this.#vfs.openPath(path, 0, mode, this.#vfs.kernel.init.cred);
  }
}

/** Fills nothing: no byte of the memory is known. */
export function refuseToFill(): never {
  fail(EIO);
}

/** An open file as the program of a memory. */
export function asExeFile(path: string, file: File): ExeFile {
  return { path, get: () => file.get(), put: () => file.put() };
}
