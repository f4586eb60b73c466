import type { ByteSource } from '../elf/source.js';
import { LinuxError } from '../errno.js';
import type { ExeFile } from '../kernel/mm-struct.js';
import { PageCache, type PageCacheOptions } from '../mm/page-cache.js';
import { Dentry, ownName } from '../vfs/dentry.js';
import type { Path } from '../vfs/dentry.js';
import { File, FMODE_LSEEK, FMODE_PREAD, FMODE_READ } from '../vfs/file.js';
import { Inode } from '../vfs/inode.js';
import { S_IFREG } from '../vfs/mode.js';
import { shmemFileOperations } from '../vfs/shmem.js';
import { SuperBlock } from '../vfs/super-block.js';
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
  /** What stands in for anonymous memory has no device and no number in maps. */
  readonly #nodev: SuperBlock;
  /** Inode numbers by path: in maps, all parts of a file have the same. */
  readonly #inos = new Map<string, number>();

  constructor(vfs: Vfs) {
    this.#vfs = vfs;
    this.#sb = vfs.newSuperBlock(COREFS, { readOnly: true });
    this.#nodev = new SuperBlock(vfs, COREFS, 0, { readOnly: true });
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
      dir.dentry.child(name) ??
      this.#vfs.addEntry(dir, name, this.#inode(path, 0o755, source.size, pages));
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
    const inode = this.#inode(label, 0o400, size, pages);
    // Without a name its pages go with its last mapping.
    inode.nlink = 0;
    return this.#open(new Dentry(label, null, inode, ownName));
  }

  #inode(label: string, permissions: number, size: number, pages: PageCacheOptions): Inode {
    const isFile = label.startsWith('/');
    const sb = isFile ? this.#sb : this.#nodev;
    const ino = isFile ? (this.#inos.get(label) ?? sb.nextIno()) : 0;
    if (isFile) this.#inos.set(label, ino);
    const mode = S_IFREG | permissions;
    const inode = new Inode(sb, mode, 0, 0, {}, shmemFileOperations, ino);
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

/** The type of the file system that the files of a core are in. */
const COREFS = 'corefs';

/** Whether a mapping's file stands in for what a core names but does not have. */
export function isStandIn(file: unknown): file is File {
  return file instanceof File && file.inode.sb.type === COREFS && file.inode.nlink === 0;
}

/** What maps shows as the path of a stand-in. */
export function standInLabel(file: File): string {
  return file.path.dentry.name;
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
