import {
  EACCES,
  EEXIST,
  EFBIG,
  EIO,
  EISDIR,
  EMLINK,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  EROFS,
  EXDEV,
} from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { PageCache, type PageCacheOptions } from '../mm/page-cache.js';
import { noDeviceOperations } from './device.js';
import { Dentry } from './dentry.js';
import { genericReadDir } from './directory.js';
import type { DirEntry, File, FileOperations } from './file.js';
import { Inode } from './inode.js';
import type { InodeOperations } from './inode.js';
import { genericFileLlseek, seqLlseek } from './llseek.js';
import { fsUmodeToDtype, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_IRWXUGO } from './mode.js';
import { pageCacheRead } from './shmem.js';
import type { SuperBlock } from './super-block.js';
import type { Vfs } from './vfs.js';

/** What the host says of one of its files; links are not followed. */
export interface HostStat {
  readonly kind: 'file' | 'dir' | 'link' | 'other';
  /** Bytes. */
  readonly size: number;
  /** Permission bits, set-user-id and the like too. */
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

/** One that the machine may write, too. Each may throw; an error with a `code` of Linux's keeps it. */
export interface WritableHostDirectory extends HostDirectory {
  /** Makes an empty file, which must not be there. */
  create(path: string, mode: number): void;
  write(path: string, pos: number, bytes: Uint8Array): void;
  truncate(path: string, size: number): void;
  chmod(path: string, mode: number): void;
  /** Times of the entry itself, milliseconds since the epoch. */
  utimes(path: string, atimeMs: number, mtimeMs: number): void;
  mkdir(path: string, mode: number): void;
  rmdir(path: string): void;
  unlink(path: string): void;
  symlink(target: string, path: string): void;
  /** A file or an empty directory that is there is replaced. */
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
}

/** Who owns all that a mount shows. */
export interface HostOwner {
  readonly uid: number;
  readonly gid: number;
}

export function isWritable(host: HostDirectory): host is WritableHostDirectory {
  return 'write' in host && typeof host.write === 'function';
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
export function hostPath(dentry: Dentry): string {
  if (dentry.isRoot) return '';
  const parent = hostPath(dentry.parent);
  return parent === '' ? dentry.name : `${parent}/${dentry.name}`;
}

/** What the host's own errors say when something is no longer there. */
const GONE: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);

/** Errors of the host that are the machine's too. */
const PASSED_ON: Readonly<Record<string, number>> = {
  ...{
    EACCES,
    EPERM,
    EEXIST,
    ENOSPC,
    ENOTEMPTY,
    EROFS,
    EXDEV,
    ENAMETOOLONG,
    EISDIR,
    EFBIG,
    EMLINK,
  },
};

/**
 * Asks the host. Whatever it throws becomes an error of the machine, without the host's paths.
 * @param gone what it is when the host no longer has it
 * @throws {LinuxError} `gone`; what the host says of rights and room; EIO: any other failure
 */
export function askHost<T>(question: () => T, gone = ENOENT): T {
  try {
    return question();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (GONE.has(code)) return fail(gone);
    return fail((typeof code === 'string' ? PASSED_ON[code] : undefined) ?? EIO);
  }
}

/** Whether a directory can have an entry of that name. */
export function isEntryName(name: unknown): name is string {
  if (typeof name !== 'string' || name === '' || name === '.' || name === '..') return false;
  return !/[/\0]/.test(name);
}

/** One mounted host directory; every inode of it keeps it as privateData. */
export class HostFs {
  readonly host: HostDirectory;
  private readonly vfs: Vfs;
  private readonly sb: SuperBlock;
  private readonly owner: HostOwner;
  /** What a writable mount does; null: nothing changes there. */
  private readonly writable: HostTables | null;
  /** The name under which each inode is known, by its number. */
  private readonly names = new Map<number, Dentry>();

  constructor(vfs: Vfs, host: HostDirectory, owner: HostOwner, writable: HostTables | null) {
    this.vfs = vfs;
    this.host = host;
    this.owner = owner;
    this.writable = writable;
    const readOnly = writable === null;
    const again = readOnly ? {} : { revalidate: hostRevalidate };
    this.sb = vfs.newSuperBlock('hostfs', { readOnly, dropUnused: true, ...again });
  }

  /** Where an inode is; its last place where it was removed. */
  nameOf(inode: Inode): Dentry {
    return this.names.get(inode.ino) ?? fail(ENOENT);
  }

  /** Whether what the host has at a name still is of the same type. */
  stands(dentry: Dentry): boolean {
    const stat = this.lstat(hostPath(dentry));
    if (stat === null || MODES[stat.kind] !== (dentry.inode.mode & S_IFMT)) return false;
    if (dentry.inode.pages === null) dentry.inode.fixedSize = stat.size;
    return true;
  }

  /** Gives an entry its place. */
  hang(dentry: Dentry): Dentry {
    dentry.parent.children.set(dentry.name, dentry);
    this.names.set(dentry.inode.ino, dentry);
    return dentry;
  }

  /** Takes an entry out of its directory. */
  unhang(dentry: Dentry): void {
    dentry.parent.children.delete(dentry.name);
    dentry.hashed = false;
  }

  root(): Dentry {
    const stat = this.lstat('') ?? fail(ENOENT);
    if (stat.kind !== 'dir') fail(ENOTDIR);
    const dentry = new Dentry('/', null, this.makeInode(stat));
    this.names.set(dentry.inode.ino, dentry);
    return dentry;
  }

  lookup(dir: Dentry, name: string): Dentry | null {
    const path = dir.isRoot ? name : `${hostPath(dir)}/${name}`;
    const stat = this.lstat(path);
    if (stat === null) return null;
    return this.hang(new Dentry(name, dir, this.makeInode(stat)));
  }

  readlink(dentry: Dentry): string {
    const text = askHost(() => this.host.readlink(hostPath(dentry)));
    return typeof text === 'string' ? text : fail(EIO);
  }

  list(dentry: Dentry): DirEntry[] {
    const names = askHost(() => [...this.host.readdir(hostPath(dentry))])
      .filter(isEntryName)
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
    const { dentry } = file.path;
    const stat = this.lstat(hostPath(dentry));
    if (stat === null || MODES[stat.kind] !== (inode.mode & S_IFMT)) fail(ENOENT);
    inode.pages = new PageCache(this.vfs.kernel.core, new HostPages(this, dentry, stat.size));
    inode.pages.resize(stat.size);
    inode.mtime = stat.mtimeMs;
  }

  /** @throws {LinuxError} EIO: fewer bytes are there than asked for */
  read(path: string, pos: number, into: Uint8Array): void {
    if (askHost(() => this.host.read(path, pos, into), EIO) !== into.length) fail(EIO);
  }

  private lstat(path: string): HostStat | null {
    const stat = askHost(() => this.host.lstat(path));
    if (stat !== null && (!(stat.kind in MODES) || !Number.isSafeInteger(stat.size))) fail(EIO);
    return stat;
  }

  private makeInode(stat: HostStat): Inode {
    const { iops, file } = this.writable ?? READ_TABLES;
    const shown = this.writable === null ? READ_BITS : S_IRWXUGO;
    const mode = MODES[stat.kind] | (stat.kind === 'link' ? 0o777 : stat.mode & shown);
    const fops =
      stat.kind === 'file' ? file : stat.kind === 'dir' ? hostDirOperations : noDeviceOperations;
    const { uid, gid } = this.owner;
    const inode = new Inode(this.sb, mode, uid, gid, iops, fops);
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
  private readonly dentry: Dentry;
  /** How far the contents are the host's, bytes. */
  private size: number;

  constructor(fs: HostFs, dentry: Dentry, size: number) {
    this.fs = fs;
    this.dentry = dentry;
    this.size = size;
  }

  shrink(size: number): void {
    this.size = Math.min(this.size, size);
  }

  fill(index: number, page: Uint8Array): void {
    const pos = index * PAGE_SIZE;
    this.fs.read(
      hostPath(this.dentry),
      pos,
      page.subarray(0, Math.max(Math.min(PAGE_SIZE, this.size - pos), 0)),
    );
  }
}

export function hostFsOf(dentry: Dentry): HostFs {
  return dentry.inode.privateData as HostFs;
}

/** A name of a writable mount is looked at anew each time. */
export function hostRevalidate(_task: TaskStruct, dentry: Dentry): boolean {
  return hostFsOf(dentry).stands(dentry);
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

/** What the inodes and the files of a mount do. */
export interface HostTables {
  readonly iops: InodeOperations;
  readonly file: FileOperations;
}

const READ_TABLES: HostTables = { iops: hostInodeOperations, file: hostFileOperations };

/**
 * A file system that shows a directory of the host: its files, their pages loaded when they are touched.
 * @param owner whose all of it is (default: root's)
 * @param writable how it is written (default: it is read-only)
 * @throws {LinuxError} ENOENT: there is no such directory; ENOTDIR: it is none; EIO: the host fails
 */
export function createHostFs(
  vfs: Vfs,
  host: HostDirectory,
  owner: HostOwner = { uid: 0, gid: 0 },
  writable: HostTables | null = null,
): Dentry {
  return new HostFs(vfs, host, owner, writable).root();
}
