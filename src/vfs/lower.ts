import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { EIO, ENOENT, ENOTDIR } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { PageCache, type PageCacheOptions } from '../mm/page-cache.js';
import { noDeviceOperations } from './device.js';
import { Dentry } from './dentry.js';
import { directoryOperations } from './directory.js';
import type { FileOperations } from './file.js';
import {
  askHost,
  type HostDirectory,
  type HostFile,
  type HostStat,
  isEntryName,
} from './host-directory.js';
import { NamedHostFile } from './host-file.js';
import { Inode } from './inode.js';
import type { InodeOperations } from './inode.js';
import { genericFileLlseek } from './llseek.js';
import { S_IALLUGO, S_IFDIR, S_IFLNK, S_IFREG, S_IRWXUGO } from './mode.js';
import { ReadAhead } from './read-ahead.js';
import { pageCacheWrite, shmemFileOperations } from './shmem.js';
import type { SuperBlock } from './super-block.js';
import { tmpfsDirOperations, tmpfsNodeOperations } from './tmpfs.js';

/**
 * A directory of the host below a tmpfs, copied on write: names appear when they are looked up, pages
 * when they are read, and nothing is ever written to the host.
 *
 *     a directory    what was looked up is an entry of the tmpfs; `gone` are names that were removed;
 *                    once merged, every name was looked up and the host is not asked again
 *     a file         pages come from the host until they are written; without a user they go again,
 *                    unless something was written
 *     a link         its text
 *
 * What an entry is, its mode and its place on the host are those of the first look. All belongs to root.
 */
export class LowerLayer {
  readonly host: HostDirectory;
  /** What was read of its files; made anew after a restore. */
  private windows: ReadAhead | null = null;

  constructor(host: HostDirectory) {
    this.host = host;
  }

  get ahead(): ReadAhead {
    return (this.windows ??= new ReadAhead());
  }

  /** @throws {LinuxError} EIO: the host fails, or says what cannot be */
  lstat(path: string): HostStat | null {
    const stat = askHost(() => this.host.lstat(path));
    if (stat !== null && !Number.isSafeInteger(stat.size)) fail(EIO);
    return stat;
  }
}

/** A directory of the host under one of the tmpfs. */
export class LowerDirectory {
  readonly layer: LowerLayer;
  readonly path: string;
  /** Names of the host that are no longer there. */
  readonly gone = new Set<string>();
  merged = false;

  constructor(layer: LowerLayer, path: string) {
    this.layer = layer;
    this.path = path;
  }

  pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}/${name}`;
  }
}

/** A file of the host under one of the tmpfs: how its pages are loaded. */
export class LowerFile implements PageCacheOptions {
  readonly kind = 'host';
  readonly layer: LowerLayer;
  readonly path: string;
  /** How far the contents are the host's, bytes; shorter once the file was. */
  size: number;
  /** Whether something was, or may have been, written. */
  dirty = false;

  constructor(layer: LowerLayer, path: string, size: number) {
    this.layer = layer;
    this.path = path;
    this.size = size;
  }

  /** @throws {LinuxError} EIO: the file is shorter than it was, or gone */
  fill(index: number, page: Uint8Array): void {
    const pos = index * PAGE_SIZE;
    const length = Math.min(this.size - pos, PAGE_SIZE);
    if (length <= 0) return;
    const { ahead } = this.layer;
    const bytes = askHost(() => ahead.bytes(this, pos, length, () => this.open()), EIO);
    if (bytes.length !== length) fail(EIO);
    page.set(bytes);
  }

  private open(): HostFile {
    const { host } = this.layer;
    return host.open?.(this.path, false) ?? new NamedHostFile(host, () => this.path);
  }

  shrink(size: number): void {
    this.size = Math.min(this.size, size);
    this.forget();
  }

  freed(): void {
    this.forget();
  }

  /** The pages have gone: so may what was read ahead. */
  forget(): void {
    this.layer.ahead.forget(this);
  }
}

const lowerFileOf = (inode: Inode): LowerFile => inode.privateData as LowerFile;

/** Gives a file its pages; the size is the host's of this moment. */
function loadPages(inode: Inode): void {
  if (inode.pages !== null) return;
  const file = lowerFileOf(inode);
  const stat = file.layer.lstat(file.path);
  if (stat?.kind !== 'file') fail(ENOENT);
  file.size = stat.size;
  inode.pages = new PageCache(inode.sb.vfs.kernel.core, file);
  inode.pages.resize(stat.size);
}

/** A regular file whose contents come from the host. */
export const lowerFileOperations: FileOperations = {
  ...shmemFileOperations,
  open: (_task, file) => loadPages(file.inode),
  llseek: genericFileLlseek,
  write(task, file, buf, pos) {
    lowerFileOf(file.inode).dirty = true;
    return pageCacheWrite(task, file, buf, pos);
  },
  mmap(_task, file, shared) {
    if (shared) lowerFileOf(file.inode).dirty = true;
    return file;
  },
  placesHuge: () => true,
  fallocates: false,
};

export const lowerFileInodeOperations: InodeOperations = {
  ...tmpfsNodeOperations,
  loadPages(inode) {
    loadPages(inode);
    lowerFileOf(inode).dirty = true;
  },
  reloads(inode) {
    const file = lowerFileOf(inode);
    if (!file.dirty) file.forget();
    return !file.dirty;
  },
  getattr(_task, _inode, stat) {
    stat.blocks = Math.ceil(Number(stat.size) / 512);
  },
};

function makeInode(sb: SuperBlock, layer: LowerLayer, path: string, stat: HostStat): Inode {
  const inode = newInode(sb, layer, path, stat);
  inode.atime = stat.mtimeMs;
  inode.mtime = stat.mtimeMs;
  inode.ctime = stat.mtimeMs;
  return inode;
}

function newInode(sb: SuperBlock, layer: LowerLayer, path: string, stat: HostStat): Inode {
  const { kind, size } = stat;
  const mode = stat.mode & S_IALLUGO;
  if (kind === 'dir') {
    const inode = new Inode(sb, S_IFDIR | mode, 0, 0, lowerDirOperations, lowerDirectoryOperations);
    inode.privateData = new LowerDirectory(layer, path);
    return inode;
  }
  if (kind === 'link') {
    const inode = new Inode(sb, S_IFLNK | S_IRWXUGO, 0, 0, tmpfsNodeOperations, noDeviceOperations);
    inode.privateData = askHost(() => layer.host.readlink(path));
    if (typeof inode.privateData !== 'string') fail(EIO);
    inode.fixedSize = size;
    return inode;
  }
  if (kind !== 'file') return new Inode(sb, mode, 0, 0, tmpfsNodeOperations, noDeviceOperations);
  const inode = new Inode(sb, S_IFREG | mode, 0, 0, lowerFileInodeOperations, lowerFileOperations);
  inode.privateData = new LowerFile(layer, path, size);
  inode.fixedSize = size;
  return inode;
}

/** What of the host is under a directory; null where it was made in memory. */
function lowerOf(dir: Dentry): LowerDirectory | null {
  const { privateData } = dir.inode;
  return privateData instanceof LowerDirectory ? privateData : null;
}

function lookUpLower(dir: Dentry, name: string): Dentry | null {
  const lower = lowerOf(dir);
  if (lower === null || lower.merged || lower.gone.has(name) || !isEntryName(name)) return null;
  const path = lower.pathOf(name);
  const stat = lower.layer.lstat(path);
  if (stat === null) return null;
  const dentry = new Dentry(name, dir, makeInode(dir.inode.sb, lower.layer, path, stat));
  dir.setChild(name, dentry);
  if (stat.kind === 'dir') dir.inode.nlink += 1;
  return dentry;
}

/** Looks every name of a directory up, so that its entries are those of the tmpfs. */
function merge(dir: Dentry): void {
  const lower = lowerOf(dir);
  if (lower === null || lower.merged) return;
  for (const name of askHost(() => [...lower.layer.host.readdir(lower.path)])
    .sort()
    .reverse()) {
    if (!dir.children.has(name)) lookUpLower(dir, name);
  }
  lower.merged = true;
  lower.gone.clear();
}

/** The host's entry of a name that is removed here does not come back. */
function forget(dir: Dentry, name: string): void {
  const lower = lowerOf(dir);
  if (lower === null || lower.merged || !isEntryName(name)) return;
  if (lower.layer.lstat(lower.pathOf(name)) !== null) lower.gone.add(name);
}

export const lowerDirectoryOperations: FileOperations = {
  ...directoryOperations,
  iterate(task, file) {
    merge(file.path.dentry);
    return directoryOperations.iterate?.(task, file) ?? [];
  },
};

/** Directories of a tmpfs with a lower layer, those made in memory too. */
export const lowerDirOperations: InodeOperations = {
  ...tmpfsDirOperations,
  lookup: (task, dir, name) =>
    lookUpLower(dir, name) ?? tmpfsDirOperations.lookup?.(task, dir, name) ?? null,

  unlink(task, dir, dentry) {
    const { name } = dentry;
    tmpfsDirOperations.unlink?.(task, dir, dentry);
    forget(dir, name);
  },

  rmdir(task, dir, dentry) {
    merge(dentry);
    const { name } = dentry;
    tmpfsDirOperations.rmdir?.(task, dir, dentry);
    forget(dir, name);
  },

  rename(from, toDir, toName, over, exchange) {
    const { parent, name } = from;
    if (over !== null && !exchange) merge(over);
    tmpfsDirOperations.rename?.(from, toDir, toName, over, exchange);
    if (!exchange) forget(parent, name);
    forget(toDir, toName);
  },
};

/**
 * The root of an empty tmpfs over a directory of the host.
 * @throws {LinuxError} ENOENT: there is no such directory; ENOTDIR: it is none; EIO: the host fails
 */
export function createLowerTmpfs(sb: SuperBlock, host: HostDirectory): Dentry {
  const layer = new LowerLayer(host);
  const stat = layer.lstat('') ?? fail(ENOENT);
  if (stat.kind !== 'dir') fail(ENOTDIR);
  return new Dentry('/', null, makeInode(sb, layer, '', stat));
}
