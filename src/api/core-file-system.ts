import type { ByteSource } from '../elf/source.js';
import { LinuxError } from '../errno.js';
import type { ExeFile } from '../kernel/mm-struct.js';
import { PageCache, type PageCacheOptions } from '../mm/page-cache.js';
import { Dentry, ownName } from '../vfs/dentry.js';
import type { Path } from '../vfs/dentry.js';
import type { File } from '../vfs/file.js';
import { FMODE_LSEEK, FMODE_PREAD, FMODE_READ } from '../vfs/file.js';
import { Inode } from '../vfs/inode.js';
import { S_IFREG } from '../vfs/mode.js';
import { shmemFileOperations } from '../vfs/shmem.js';
import type { SuperBlock } from '../vfs/super-block.js';
import type { Vfs } from '../vfs/vfs.js';
import { SourcePages } from './source-pages.js';

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
    const extent = { offset: 0, start: 0, length: source.size };
    const pages = new SourcePages(source, [extent], 'zeros');
    const dentry =
      dir.dentry.children.get(name) ??
      this.#vfs.addEntry(dir, name, this.#inode(0o755, source.size, pages));
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
   * `pages`, and a page that it refuses is one the disk has lost: SIGBUS to the process, EIO to a
   * reader of its mem file, never zeros.
   *
   * @param label what /proc/PID/maps shows as its path: nothing has it in any directory
   * @param size bytes, up to the end of the mapping
   */
  standIn(label: string, size: number, pages: PageCacheOptions): File {
    const inode = this.#inode(0o400, size, pages);
    // Without a name its pages go with its last mapping.
    inode.nlink = 0;
    return this.#open(new Dentry(label, null, inode, ownName));
  }

  #inode(permissions: number, size: number, pages: PageCacheOptions): Inode {
    const inode = new Inode(this.#sb, S_IFREG | permissions, 0, 0, {}, shmemFileOperations);
    inode.pages = new PageCache(this.#vfs.kernel.core, pages);
    inode.pages.resize(size);
    return inode;
  }

  #open(dentry: Dentry): File {
    const path = { mnt: this.#vfs.rootMount, dentry };
    const mode = FMODE_READ | FMODE_LSEEK | FMODE_PREAD;
    return this.#vfs.openPath(path, 0, mode, this.#vfs.kernel.init.cred);
  }
}

/** An open file as the program of a memory. */
export class CoreExeFile implements ExeFile {
  readonly path: string;
  private readonly file: File;

  constructor(path: string, file: File) {
    this.path = path;
    this.file = file;
  }

  get(): void {
    this.file.get();
  }

  put(): void {
    this.file.put();
  }
}
