import { EIO, ENOENT, ENOTDIR } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { PageCache } from '../mm/page-cache.js';
import { noDeviceOperations } from './device.js';
import { Dentry } from './dentry.js';
import { genericReadDir } from './directory.js';
import { FMODE_WRITE, type DirEntry, type File, type FileOperations } from './file.js';
import {
  askHost,
  type HostDirectory,
  type HostFile,
  type HostOwner,
  type HostStat,
  isEntryName,
} from './host-directory.js';
import { NamedHostFile } from './host-file.js';
import { HostPages } from './host-pages.js';
import { Inode } from './inode.js';
import type { InodeOperations } from './inode.js';
import { genericFileLlseek, seqLlseek } from './llseek.js';
import { fsUmodeToDtype, S_IALLUGO, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './mode.js';
import { pageCacheRead } from './shmem.js';
import type { SuperBlock } from './super-block.js';
import type { Vfs } from './vfs.js';

const MODES: Readonly<Record<HostStat['kind'], number>> = {
  file: S_IFREG,
  dir: S_IFDIR,
  link: S_IFLNK,
  other: 0,
};

/** Permission bits that mean something on a read-only file system that belongs to root. */
const READ_BITS = 0o7555;

/** The path of an entry below the root of its mount. */
export function hostPath(dentry: Dentry): string {
  if (dentry.isRoot) return '';
  const parent = hostPath(dentry.parent);
  return parent === '' ? dentry.name : `${parent}/${dentry.name}`;
}

/** One mounted host directory; every inode of it keeps it as privateData. */
export class HostFs {
  readonly host: HostDirectory;
  private readonly vfs: Vfs;
  private readonly sb: SuperBlock;
  private readonly owner: HostOwner;
  /** What a writable mount does; null: nothing changes there. */
  private readonly writable: HostTables | null;
  /** The names under which each inode is known, by its number. */
  private readonly names = new Map<number, Dentry[]>();
  /** Which file of the host each inode is; null after a restore, when the host may be another copy. */
  private ids: Map<number, string> | null = null;
  /** The contents of files in use. */
  private readonly contents = new Map<number, HostPages>();
  /** The file that was made last, for the open that follows: its mode may allow no second one. */
  private made: { readonly ino: number; readonly file: HostFile } | null = null;

  constructor(vfs: Vfs, host: HostDirectory, owner: HostOwner, writable: HostTables | null) {
    this.vfs = vfs;
    this.host = host;
    this.owner = owner;
    this.writable = writable;
    const readOnly = writable === null;
    const revalidate = hostRevalidate;
    this.sb = vfs.newSuperBlock('hostfs', { readOnly, dropUnused: true, revalidate });
  }

  /** A name of an inode; null once it has none. */
  nameOf(inode: Inode): Dentry | null {
    return this.names.get(inode.ino)?.find(({ hashed }) => hashed) ?? null;
  }

  private pathOf(inode: Inode): string | null {
    const dentry = this.nameOf(inode);
    return dentry === null ? null : hostPath(dentry);
  }

  /** Whether an inode is what the host says, as far as one can tell. */
  private isSame(inode: Inode, stat: HostStat): boolean {
    if (MODES[stat.kind] !== (inode.mode & S_IFMT)) return false;
    if (stat.id === undefined) return true;
    this.ids ??= new Map();
    const known = this.ids.get(inode.ino);
    if (known === undefined) this.ids.set(inode.ino, stat.id);
    return known === undefined || known === stat.id;
  }

  /** Whether a name of the host still is the same file; what else changed of it is taken over. */
  stands(dentry: Dentry): boolean {
    const { inode } = dentry;
    const stat = this.lstat(hostPath(dentry));
    if (stat === null || !this.isSame(inode, stat)) {
      this.unhang(dentry);
      return false;
    }
    inode.mode = this.modeOf(stat);
    if (inode.pages === null) {
      inode.fixedSize = stat.size;
      inode.mtime = stat.mtimeMs;
    } else {
      this.contents.get(inode.ino)?.notice(stat);
    }
    return true;
  }

  /** Gives an entry its place. */
  hang(dentry: Dentry): Dentry {
    dentry.parent.setChild(dentry.name, dentry);
    const names = this.names.get(dentry.inode.ino);
    if (names === undefined) this.names.set(dentry.inode.ino, [dentry]);
    else names.push(dentry);
    return dentry;
  }

  /** Takes an entry out of its directory. */
  unhang(dentry: Dentry): void {
    dentry.parent.deleteChild(dentry.name);
    dentry.hashed = false;
    const { ino } = dentry.inode;
    const names = (this.names.get(ino) ?? []).filter((name) => name !== dentry);
    if (names.length > 0) this.names.set(ino, names);
    else this.names.delete(ino);
    if (names.length === 0 && !this.contents.has(ino)) this.ids?.delete(ino);
  }

  root(): Dentry {
    const stat = this.lstat('') ?? fail(ENOENT);
    if (stat.kind !== 'dir') fail(ENOTDIR);
    const dentry = new Dentry('/', null, this.makeInode(stat));
    this.names.set(dentry.inode.ino, [dentry]);
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
      const entry = dentry.child(name) ?? this.lookup(dentry, name);
      if (entry === null) return [];
      return [{ name, ino: entry.inode.ino, type: fsUmodeToDtype(entry.inode.mode) }];
    });
  }

  /** What the host changed since the last opening is taken over. */
  open(file: File): void {
    const { inode } = file;
    const writes = (file.mode & FMODE_WRITE) !== 0;
    const known = this.contents.get(inode.ino);
    const contents = known ?? new HostPages(this, inode, writes);
    if (known === undefined) {
      inode.pages = new PageCache(this.vfs.kernel.core, contents);
      this.contents.set(inode.ino, contents);
    }
    if (writes) contents.toWrite();
    contents.refresh();
  }

  /** What is in use of a file; undefined: nothing. */
  contentsOf(inode: Inode): HostPages | undefined {
    return this.contents.get(inode.ino);
  }

  /** The contents of a file are no longer in use. */
  forget(inode: Inode): void {
    this.contents.delete(inode.ino);
    if (!this.names.has(inode.ino)) this.ids?.delete(inode.ino);
  }

  /** Keeps the file of an inode that was just made, until another is opened or made. */
  keepMade(inode: Inode, file: HostFile): void {
    this.made?.file.close();
    this.made = { ino: inode.ino, file };
  }

  /**
   * The host's open file of an inode.
   * @throws {LinuxError} EIO: it has no name any more; ENOENT: the name is another file's; the host's
   */
  openHost(inode: Inode, writes: boolean): HostFile {
    const { made } = this;
    this.made = null;
    if (made?.ino === inode.ino) return made.file;
    made?.file.close();
    const path = this.pathOf(inode) ?? fail(EIO);
    const file =
      this.host.open === undefined
        ? new NamedHostFile(this.host, () => this.pathOf(inode))
        : askHost(() => this.host.open?.(path, writes) ?? fail(EIO));
    const stat = askHost(() => file.stat());
    if (this.isSame(inode, stat)) return file;
    file.close();
    return fail(ENOENT);
  }

  /** Loads what the host is about to lose, where it keeps no open file. */
  detach(inode: Inode): void {
    if (this.host.open === undefined) this.contents.get(inode.ino)?.detach();
  }

  /** Loads all files in use that have no name, and that nobody could open again. */
  detachNameless(): void {
    for (const [ino, contents] of this.contents) if (!this.names.has(ino)) contents.detach();
  }

  private lstat(path: string): HostStat | null {
    const stat = askHost(() => this.host.lstat(path));
    if (stat !== null && (!(stat.kind in MODES) || !Number.isSafeInteger(stat.size))) fail(EIO);
    return stat;
  }

  private makeInode(stat: HostStat): Inode {
    const { iops, file } = this.writable ?? READ_TABLES;
    const mode = this.modeOf(stat);
    const fops =
      stat.kind === 'file' ? file : stat.kind === 'dir' ? hostDirOperations : noDeviceOperations;
    const { uid, gid } = this.owner;
    const inode = new Inode(this.sb, mode, uid, gid, iops, fops);
    inode.privateData = this;
    inode.fixedSize = stat.size;
    inode.mtime = stat.mtimeMs;
    inode.ctime = stat.mtimeMs;
    if (stat.id !== undefined) (this.ids ??= new Map()).set(inode.ino, stat.id);
    return inode;
  }

  /** Type and permissions as the machine sees them. */
  private modeOf(stat: HostStat): number {
    const shown = this.writable === null ? READ_BITS : S_IALLUGO;
    return MODES[stat.kind] | (stat.kind === 'link' ? 0o777 : stat.mode & shown);
  }
}

export function hostFsOf(dentry: Dentry): HostFs {
  return dentry.inode.privateData as HostFs;
}

/** Every name is looked at anew each time. */
export function hostRevalidate(_task: TaskStruct, dentry: Dentry): boolean {
  return hostFsOf(dentry).stands(dentry);
}

export const hostInodeOperations: InodeOperations = {
  lookup: (_task, dir, name) => hostFsOf(dir).lookup(dir, name),
  getLink: (_task, _inode, dentry) => hostFsOf(dentry).readlink(dentry),
  getattr(_task, _inode, stat) {
    stat.blocks = Math.ceil(Number(stat.size) / 512);
  },
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
