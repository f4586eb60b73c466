import { EIO, ENOENT, ENOTDIR } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { PageCache, type PageCacheOptions } from '../mm/page-cache.js';
import { noDeviceOperations } from './device.js';
import { Dentry } from './dentry.js';
import { genericReadDir } from './directory.js';
import type { DirEntry, File, FileOperations } from './file.js';
import { Inode } from './inode.js';
import type { InodeOperations } from './inode.js';
import { genericFileLlseek, seqLlseek } from './llseek.js';
import { fsUmodeToDtype, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './mode.js';
import { pageCacheRead } from './shmem.js';
import type { SuperBlock } from './super-block.js';
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

/** One mounted host directory; every inode of it keeps it as privateData. */
export class HostFs {
  private readonly vfs: Vfs;
  private readonly host: HostDirectory;
  private readonly sb: SuperBlock;

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

  lookup(dir: Dentry, name: string): Dentry | null {
    const path = dir.isRoot ? name : `${hostPath(dir)}/${name}`;
    const stat = this.lstat(path);
    if (stat === null) return null;
    const dentry = new Dentry(name, dir, this.makeInode(stat));
    dir.children.set(name, dentry);
    return dentry;
  }

  readlink(dentry: Dentry): string {
    const text = ask(() => this.host.readlink(hostPath(dentry)));
    return typeof text === 'string' ? text : fail(EIO);
  }

  list(dentry: Dentry): DirEntry[] {
    const names = ask(() => [...this.host.readdir(hostPath(dentry))])
      .filter(isName)
      .sort();
    return names.flatMap((name) => {
      const entry = dentry.children.get(name) ?? this.lookup(dentry, name);
      if (entry === null) return [];
      return [{ name, ino: entry.inode.ino, type: fsUmodeToDtype(entry.inode.mode) }];
    });
  }

  /** The size and time are those at the opening that loads the file. */
  open(file: File): void {
    const { inode } = file;
    if (inode.pages !== null) return;
    const path = hostPath(file.path.dentry);
    const stat = this.lstat(path);
    if (stat === null || MODES[stat.kind] !== (inode.mode & S_IFMT)) fail(ENOENT);
    inode.pages = new PageCache(this.vfs.kernel.core, new HostPages(this, path, stat.size));
    inode.pages.resize(stat.size);
    inode.mtime = stat.mtimeMs;
  }

  /** @throws {LinuxError} EIO: fewer bytes are there than asked for */
  read(path: string, pos: number, into: Uint8Array): void {
    if (ask(() => this.host.read(path, pos, into), EIO) !== into.length) fail(EIO);
  }

  private lstat(path: string): HostStat | null {
    const stat = ask(() => this.host.lstat(path));
    if (stat !== null && (!(stat.kind in MODES) || !Number.isSafeInteger(stat.size))) fail(EIO);
    return stat;
  }

  private makeInode(stat: HostStat): Inode {
    const mode = MODES[stat.kind] | (stat.kind === 'link' ? 0o777 : stat.mode & READ_BITS);
    const fops =
      stat.kind === 'file'
        ? hostFileOperations
        : stat.kind === 'dir'
          ? hostDirOperations
          : noDeviceOperations;
    const inode = new Inode(this.sb, mode, 0, 0, hostInodeOperations, fops);
    inode.privateData = this;
    inode.fixedSize = stat.size;
    inode.mtime = stat.mtimeMs;
    inode.ctime = stat.mtimeMs;
    return inode;
  }
}

/** A file's pages; one that has become shorter than `size` is an error where it ends, never zeros. */
export class HostPages implements PageCacheOptions {
  readonly kind = 'host';
  private readonly fs: HostFs;
  private readonly path: string;
  private readonly size: number;

  constructor(fs: HostFs, path: string, size: number) {
    this.fs = fs;
    this.path = path;
    this.size = size;
  }

  fill(index: number, page: Uint8Array): void {
    const pos = index * PAGE_SIZE;
    this.fs.read(
      this.path,
      pos,
      page.subarray(0, Math.max(Math.min(PAGE_SIZE, this.size - pos), 0)),
    );
  }
}

function hostFsOf(dentry: Dentry): HostFs {
  return dentry.inode.privateData as HostFs;
}

export const hostInodeOperations: InodeOperations = {
  lookup: (_task, dir, name) => hostFsOf(dir).lookup(dir, name),
  getLink: (_task, _inode, dentry) => hostFsOf(dentry).readlink(dentry),
};

export const hostDirOperations: FileOperations = {
  read: genericReadDir,
  llseek: seqLlseek,
  iterate: (_task, file) => hostFsOf(file.path.dentry).list(file.path.dentry),
};

export const hostFileOperations: FileOperations = {
  open: (_task, file) => hostFsOf(file.path.dentry).open(file),
  read: pageCacheRead,
  llseek: genericFileLlseek,
  mmap: (_task, file) => file,
  placesHuge: () => true,
  fsync: () => {},
  iter: true,
  spliceRead: true,
};

/**
 * A read-only file system that shows a directory of the host: its files, owned by root, their pages
 * loaded when they are touched.
 * @throws {LinuxError} ENOENT: there is no such directory; ENOTDIR: it is none; EIO: the host fails
 */
export function createHostFs(vfs: Vfs, host: HostDirectory): Dentry {
  return new HostFs(vfs, host).root();
}
