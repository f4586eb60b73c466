import type { TaskStruct } from '../kernel/task.js';
import type { PageCache } from '../mm/page-cache.js';
import type { Dentry, Path } from './dentry.js';
import type { FileOperations } from './file.js';
import { F_SEAL_SEAL } from './flags.js';
import { fsnotifyInodeRemove } from './fsnotify.js';
import type { Mark } from './inotify.js';
import type { FileLocks } from './locks.js';
import { isDir } from './mode.js';
import type { Kstat } from './stat.js';
import type { U64 } from './u64.js';
import type { SuperBlock } from './super-block.js';

/** What following a symbolic link gives: text to walk, or a place to jump to (a magic link). */
export type LinkTarget = string | Path;

/** A time as a call gave it, where a number of milliseconds is too coarse. */
export interface ExactTime {
  /** The same in milliseconds, as near as a number comes. */
  readonly ms: number;
  /** Nanoseconds since the epoch. */
  readonly ns: bigint;
}

/** Attributes a call changes (struct iattr): undefined fields stay. Times in ms. */
export interface Iattr {
  mode?: number;
  /** kuid */
  uid?: number;
  /** kgid */
  gid?: number;
  size?: U64;
  atime?: number;
  mtime?: number;
  /** The same to the nanosecond. */
  exactAtime?: ExactTime;
  exactMtime?: ExactTime;
  /** Times were given, not "now": ownership is needed (ATTR_ATIME_SET | ATTR_MTIME_SET). */
  timesSet?: boolean;
  /** "Now" was asked for: write permission is enough (ATTR_TOUCH). */
  touch?: boolean;
  /** A size change by an open file rather than by path (ATTR_FILE). */
  viaFile?: boolean;
  /** The setuid and setgid bits go, which is a change of mode (ATTR_KILL_SUID | ATTR_KILL_SGID). */
  killSetid?: boolean;
}

/** What a file system does with its inodes (struct inode_operations). Each may throw LinuxError. */
export interface InodeOperations {
  /**
   * The entry of that name, added to `dir.children` where it may be cached; null: no such entry.
   */
  lookup?(task: TaskStruct, dir: Dentry, name: string): Dentry | null;
  /** Replaces generic_permission(). */
  permission?(task: TaskStruct, inode: Inode, mask: number): void;
  getLink?(task: TaskStruct, inode: Inode, dentry: Dentry): LinkTarget;
  /** Text for readlink where it is not getLink's (magic links print a path). */
  readlink?(task: TaskStruct, inode: Inode, dentry: Dentry): string;
  mknod?(task: TaskStruct, dir: Dentry, name: string, mode: number, rdev: number): Dentry;
  mkdir?(task: TaskStruct, dir: Dentry, name: string, mode: number): Dentry;
  symlink?(task: TaskStruct, dir: Dentry, name: string, target: string): Dentry;
  link?(task: TaskStruct, inode: Inode, dir: Dentry, name: string): void;
  unlink?(task: TaskStruct, dir: Dentry, dentry: Dentry): void;
  rmdir?(task: TaskStruct, dir: Dentry, dentry: Dentry): void;
  rename?(
    from: Dentry,
    toDir: Dentry,
    toName: string,
    over: Dentry | null,
    exchange: boolean,
  ): void;
  tmpfile?(task: TaskStruct, dir: Dentry, mode: number): Dentry;
  setattr?(task: TaskStruct, inode: Inode, attr: Iattr): void;
  /** Gives a file that is about to change its pages, where it has none before it is opened. */
  loadPages?(inode: Inode): void;
  /** Whether its pages can be read again, so that they may go with its last user. */
  reloads?(inode: Inode): boolean;
  /** Changes what stat shows before it is shown, or refuses it. */
  getattr?(task: TaskStruct, inode: Inode, stat: Kstat): void;
}

/** A file, directory, link or device (struct inode); what each open asks for comes first, as in a task. */
export class Inode {
  readonly sb: SuperBlock;
  /** Type and permission bits, S_IF*. */
  mode: number;
  /** kuid of the owner; -1 when it maps nowhere. */
  uid: number;
  /** kgid of the owning group. */
  gid: number;
  readonly iops: InodeOperations;
  readonly fops: FileOperations;
  /** What the file system keeps with it. */
  privateData: unknown = null;
  /** Open files (and the mappings that hold one). */
  private users = 0;
  /** What is locked of it; null while nothing ever was. */
  locks: FileLocks | null = null;
  /** Nobody writes it, capabilities or not (S_IMMUTABLE). */
  immutable = false;
  /** The contents of a regular file of a file system that keeps them in frames. */
  pages: PageCache | null = null;
  /** Directory entries that name it. */
  nlink: number;
  readonly ino: number;
  /** st_rdev of a device, as user space encodes it. */
  rdev = 0;
  /** Made by O_TMPFILE and never linked: the one nameless file that may get a name (I_LINKABLE). */
  isTmpfile = false;
  /** Bytes, where no page cache says. */
  fixedSize: U64 = 0;
  /** Milliseconds since the epoch, to the nanosecond where `exactTimes` is of the same millisecond. */
  atime: number;
  mtime: number;
  ctime: number;
  /** When it was made. */
  readonly btime: number;
  /** Times that were set, of which `atime` and `mtime` are the rounded ones; null: none were. */
  exactTimes: { readonly atime: ExactTime | null; readonly mtime: ExactTime | null } | null = null;
  /** F_SEAL_* of a shmem file; F_SEAL_SEAL unless sealing was asked for. */
  seals = F_SEAL_SEAL;
  /** Extended attributes by their names; null: none was ever set. */
  xattrs: Map<string, Uint8Array> | null = null;
  /** Open files that write it, and memories whose program it is: never both (i_writecount). */
  writers = 0;
  runners = 0;
  /** Who watches it; null: nobody. */
  marks: Mark[] | null = null;

  constructor(
    sb: SuperBlock,
    mode: number,
    uid: number,
    gid: number,
    iops: InodeOperations,
    fops: FileOperations,
    ino: number = sb.nextIno(),
  ) {
    this.sb = sb;
    this.ino = ino;
    this.mode = mode;
    this.uid = uid;
    this.gid = gid;
    this.nlink = isDir(mode) ? 2 : 1;
    this.iops = iops;
    this.fops = fops;
    const now = sb.vfs.now();
    this.atime = now;
    this.mtime = now;
    this.ctime = now;
    this.btime = now;
  }

  /** Bytes. */
  get size(): U64 {
    return this.pages === null ? this.fixedSize : this.pages.size;
  }

  /** One more open file refers to it. */
  get(): void {
    this.users += 1;
  }

  /** One open file less; frees the pages of an unlinked file after its last user. */
  put(): void {
    this.users -= 1;
    fsnotifyInodeRemove(this);
    this.evictIfUnused();
  }

  /** Whether somebody has it open. */
  get isOpen(): boolean {
    return this.users > 0;
  }

  /** One name less. */
  dropNlink(): void {
    this.nlink -= 1;
    this.ctime = this.sb.vfs.now();
    this.evictIfUnused();
  }

  private evictIfUnused(): void {
    if (this.users > 0 || this.pages === null) return;
    const again = this.sb.dropUnused || this.iops.reloads?.(this) === true;
    if (this.nlink > 0 && !again) return;
    this.fixedSize = this.pages.size;
    this.pages.free();
    this.pages = null;
  }
}
