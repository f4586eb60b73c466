import { EIO, ENOENT, ENOTDIR } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { PageCache } from '../mm/page-cache.js';
import { noDeviceOperations } from './device.js';
import { Dentry } from './dentry.js';
import { genericReadDir } from './directory.js';
import type { FileOperations } from './file.js';
import { Inode } from './inode.js';
import type { InodeOperations } from './inode.js';
import { genericFileLlseek, seqLlseek } from './llseek.js';
import { fsUmodeToDtype, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './mode.js';
import { pageCacheRead } from './shmem.js';
import type { Vfs } from './vfs.js';

/** What the host says of one of its files; links are not followed. */
export interface HostStat {
  readonly kind: 'file' | 'dir' | 'link' | 'other';
  /** Bytes. */
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
}

/**
 * A directory of the host as a machine may see it. Paths are relative to it, '' is itself; names
 * are separated by '/', and none is '.' or '..'. Nothing is ever followed out of it: links are the
 * machine's to walk.
 */
export interface HostDirectory {
  /** null: there is no such entry. */
  lstat(path: string): HostStat | null;
  readdir(path: string): readonly string[];
  readlink(path: string): string;
  /** Bytes read at `pos` into `into`; fewer only at the end. */
  read(path: string, pos: number, into: Uint8Array): number;
}

const MODES: Readonly<Record<HostStat['kind'], number>> = {
  file: S_IFREG,
  dir: S_IFDIR,
  link: S_IFLNK,
  other: 0,
};

/** Permission bits that mean something on a read-only file system that belongs to root. */
const READ_BITS = 0o555;

/** The path of an entry below the root of its mount. */
function hostPath(dentry: Dentry): string {
  if (dentry.isRoot) return '';
  const parent = hostPath(dentry.parent);
  return parent === '' ? dentry.name : `${parent}/${dentry.name}`;
}

/** What the host's own errors say when something is no longer there. */
const GONE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

/**
 * Asks the host. Whatever it throws becomes an error of the machine, without the host's paths.
 * @param gone what it is when the host no longer has it
 * @throws {LinuxError} `gone`; EIO: any other failure
 */
function ask<T>(question: () => T, gone = ENOENT): T {
  try {
    return question();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    return fail(GONE.has(code) ? gone : EIO);
  }
}

/** Whether a directory can have an entry of that name. */
function isName(name: unknown): name is string {
  if (typeof name !== 'string' || name === '' || name === '.' || name === '..') return false;
  return !/[/\0]/.test(name);
}

/** One mounted host directory. */
class HostFs {
  private readonly vfs: Vfs;
  private readonly host: HostDirectory;
  private readonly sb;

  constructor(vfs: Vfs, host: HostDirectory) {
    this.vfs = vfs;
    this.host = host;
    this.sb = vfs.newSuperBlock('hostfs', { readOnly: true, dropUnused: true });
  }

  root(): Dentry {
    const stat = this.lstat('') ?? fail(ENOENT);
    if (stat.kind !== 'dir') fail(ENOTDIR);
    return new Dentry('/', null, this.makeInode(stat));
  }

  private lstat(path: string): HostStat | null {
    const stat = ask(() => this.host.lstat(path));
    if (stat !== null && (!(stat.kind in MODES) || !Number.isSafeInteger(stat.size))) fail(EIO);
    return stat;
  }

  private makeInode(stat: HostStat): Inode {
    const mode = MODES[stat.kind] | (stat.kind === 'link' ? 0o777 : stat.mode & READ_BITS);
    const fops =
      stat.kind === 'file' ? this.fileOps : stat.kind === 'dir' ? this.dirOps : noDeviceOperations;
    const inode = new Inode(this.sb, mode, 0, 0, this.iops, fops);
    inode.fixedSize = stat.size;
    inode.mtime = stat.mtimeMs;
    inode.ctime = stat.mtimeMs;
    return inode;
  }

  private readonly iops: InodeOperations = {
    lookup: (_task, dir, name) => {
      const path = dir.isRoot ? name : `${hostPath(dir)}/${name}`;
      const stat = this.lstat(path);
      if (stat === null) return null;
      const dentry = new Dentry(name, dir, this.makeInode(stat));
      dir.children.set(name, dentry);
      return dentry;
    },
    getLink: (_task, _inode, dentry) => {
      const text = ask(() => this.host.readlink(hostPath(dentry)));
      return typeof text === 'string' ? text : fail(EIO);
    },
  };

  private readonly dirOps: FileOperations = {
    read: genericReadDir,
    llseek: seqLlseek,
    iterate: (task, file) => {
      const { dentry } = file.path;
      const names = ask(() => [...this.host.readdir(hostPath(dentry))])
        .filter(isName)
        .sort();
      return names.flatMap((name) => {
        const entry = dentry.children.get(name) ?? this.iops.lookup?.(task, dentry, name);
        if (entry == null) return [];
        return [{ name, ino: entry.inode.ino, type: fsUmodeToDtype(entry.inode.mode) }];
      });
    },
  };

  private readonly fileOps: FileOperations = {
    // The size and time are those at the opening that loads the file.
    open: (_task, file) => {
      const { inode } = file;
      if (inode.pages !== null) return;
      const path = hostPath(file.path.dentry);
      const stat = this.lstat(path);
      if (stat === null || MODES[stat.kind] !== (inode.mode & S_IFMT)) fail(ENOENT);
      inode.pages = this.loadLazily(path, stat.size);
      inode.mtime = stat.mtimeMs;
    },
    read: pageCacheRead,
    llseek: genericFileLlseek,
    mmap: (_task, file) => file,
    placesHuge: () => true,
    fsync: () => {},
    iter: true,
    spliceRead: true,
  };

  /** A file that has become shorter than `size` is an error where it ends, never zeros. */
  private loadLazily(path: string, size: number): PageCache {
    const fill = (index: number, page: Uint8Array): void => {
      const pos = index * PAGE_SIZE;
      const part = page.subarray(0, Math.max(Math.min(PAGE_SIZE, size - pos), 0));
      if (ask(() => this.host.read(path, pos, part), EIO) !== part.length) fail(EIO);
    };
    const pages = new PageCache(this.vfs.kernel.core, { kind: 'host', fill });
    pages.resize(size);
    return pages;
  }
}

/**
 * A read-only file system that shows a directory of the host: its files, owned by root, their pages
 * loaded when they are touched.
 * @throws {LinuxError} ENOENT: there is no such directory; ENOTDIR: it is none; EIO: the host fails
 */
export function createHostFs(vfs: Vfs, host: HostDirectory): Dentry {
  return new HostFs(vfs, host).root();
}
