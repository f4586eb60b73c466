import { EOPNOTSUPP, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { type FileOwner, NO_OWNER } from './file-owner.js';
import type { Cred } from '../kernel/cred.js';
import type { TaskStruct } from '../kernel/task.js';
import type { MapFile } from '../mm/map-file.js';
import type { PageCache } from '../mm/page-cache.js';
import type { UserBuffer } from '../mm/user.js';
import type { Path } from './dentry.js';
import { F_SEAL_FUTURE_WRITE, F_SEAL_WRITE } from './flags.js';
import { fsnotifyClose } from './fsnotify.js';
import type { Inode } from './inode.js';
import { locksRemoveFile } from './locks.js';
import type { U64 } from './u64.js';

export type { U64 } from './u64.js';

export const FMODE_READ = 0x1;
export const FMODE_WRITE = 0x2;
export const FMODE_LSEEK = 0x4;
export const FMODE_PREAD = 0x8;
export const FMODE_PWRITE = 0x10;
/** Positions are addresses: all 64 bits count (FOP_UNSIGNED_OFFSET). */
export const FMODE_UNSIGNED_OFFSET = 0x2000;
export const FMODE_PATH = 0x4000;

/** One entry of a directory as a listing gives it. */
export interface DirEntry {
  readonly name: string;
  readonly ino: number;
  /** DT_*: the file type bits of a mode, shifted down. */
  readonly type: number;
  /** Whether it is there still; absent: it is. */
  readonly stands?: () => boolean;
}

/**
 * What a kind of file does (struct file_operations). `task` is the caller. `pos` is where to start;
 * the VFS moves the file's position by the count returned. Each may throw LinuxError.
 */
export interface FileOperations {
  /** Checks and prepares at open; keeps what it needs in `file.privateData`. `flags` has those that the file forgets. */
  open?(task: TaskStruct, file: File, flags: number): void;
  /** Bytes read into `buf`; short and 0 as read(2). */
  read?(task: TaskStruct, file: File, buf: UserBuffer, pos: U64): number;
  write?(task: TaskStruct, file: File, buf: UserBuffer, pos: U64): number;
  /**
   * The same as read and write with an array of the host, where nothing has to be had, refused or cut first: bytes
   * copied, or 0 when it is for those to say. Absent: it always is.
   */
  ready?(file: File, host: Uint8Array, pos: number, write: boolean): number;
  /** A write leaves the position where it is. */
  readonly writeStays?: boolean;
  /** The new position, not yet stored; absent: ESPIPE. */
  llseek?(task: TaskStruct, file: File, offset: bigint, whence: number): U64;
  /** The entries after "." and "..", in a stable order. */
  iterate?(task: TaskStruct, file: File): Iterable<DirEntry>;
  /**
   * Whether a listing is good still, so that the next getdents64 goes on where the last one ended.
   * Absent: each begins anew, and passes over what was given.
   */
  iterateResumes?(file: File): boolean;
  /** `arg` is the raw third argument. */
  ioctl?(task: TaskStruct, file: File, cmd: number, arg: U64): number;
  /** POLL* bits now; absent: always readable and writable. */
  poll?(file: File): number;
  /** How often something to read has arrived: each time is news to an epoll with EPOLLET. Absent: never told. */
  arrivals?(file: File): number;
  /**
   * What a mapping of it holds: the file itself, or another made for this mapping; without a page cache
   * its memory is anonymous. Absent: it cannot be mapped (ENODEV). `length` is in bytes.
   */
  mmap?(task: TaskStruct, file: File, shared: boolean, length: number): File;
  /**
   * Whether a mapping is placed so that huge pages of the file would fit: get_unmapped_area is
   * thp_get_unmapped_area(). Absent: it is not.
   */
  placesHuge?(shared: boolean): boolean;
  fsync?(file: File): void;
  /** Whether it can be grown and given holes by fallocate. */
  readonly fallocates?: boolean;
  release?(file: File): void;
  /** Lines of its own for /proc/PID/fdinfo. */
  showFdinfo?(file: File): string;
  /** Whether the position of a readv may be an address of 64 bits. */
  readonly unsignedOffset?: boolean;
  /**
   * read works through an iterator over several segments at once (read_iter), so RWF flags may
   * pass.
   */
  readonly iter?: boolean;
  /** Several segments make one message: a vectored call gives them as one buffer. */
  readonly gathers?: boolean;
  /** O_DIRECT is possible. */
  readonly direct?: boolean;
  /** Splicing from it is possible (splice_read). */
  readonly spliceRead?: boolean;
  /** Splicing to it is possible (splice_write). */
  readonly spliceWrite?: boolean;
}

/** An open file (struct file): shared by every descriptor and mapping that refers to it. */
export class File implements MapFile {
  readonly path: Path;
  readonly inode: Inode;
  readonly fops: FileOperations;
  /** O_* as F_GETFL shows them; F_SETFL changes O_APPEND, O_NONBLOCK, O_DIRECT, O_NOATIME. */
  flags: number;
  /** FMODE_*. */
  mode: number;
  /** Position, bytes. */
  pos: U64 = 0;
  /** The opener's credentials at open. */
  readonly cred: Readonly<Cred>;
  /** Extra VM_* of its mappings. */
  vmFlags = 0;
  /** What the kind of file keeps for one opening. */
  privateData: unknown = null;
  /** Where a listing of a directory goes on; null without one (see readdir.ts). */
  dirCursor: unknown = null;
  /** Who would get SIGIO, and which signal instead (F_SETOWN, F_SETSIG). */
  owner: FileOwner = NO_OWNER;
  ownerSignal = 0;
  /** How far a failed read or write had moved its position before it failed (K-112). */
  failedAdvance = 0;
  /** It counts as a writer of its inode (FMODE_WRITER). */
  writes = false;
  private refs = 1;

  constructor(path: Path, flags: number, mode: number, cred: Readonly<Cred>, fops: FileOperations) {
    this.path = path;
    this.inode = path.dentry.inode;
    this.flags = flags;
    this.mode = mode;
    this.cred = cred;
    this.fops = fops;
    this.inode.get();
  }

  /** The page cache behind mappings (f_mapping); null of a device. */
  get mapping(): PageCache | null {
    return this.inode.pages;
  }

  get syncs(): boolean {
    return this.fops.fsync !== undefined;
  }

  /** The page cache of a file that is known to have one. */
  get pages(): PageCache {
    const pages = this.inode.pages;
    if (pages === null) throw new TypeError('file has no page cache');
    return pages;
  }

  /**
   * Makes a hole of the bytes [start, end): vfs_fallocate() of FALLOC_FL_PUNCH_HOLE.
   * @throws {LinuxError} EOPNOTSUPP: no file in memory; EPERM: sealed against writing
   */
  punchHole(start: number, end: number): void {
    const { pages, seals } = this.inode;
    if (pages === null || this.fops.fallocates !== true) fail(EOPNOTSUPP);
    if ((seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0) fail(EPERM);
    pages.punchHole(start, end);
  }

  /** See FileOperations. */
  placesHuge(shared: boolean): boolean {
    return this.fops.placesHuge?.(shared) === true;
  }

  /** Whether nothing refers to it any more. */
  get released(): boolean {
    return this.refs <= 0;
  }

  /** One more descriptor or mapping. */
  get(): void {
    this.refs += 1;
  }

  /** Gives it up after its own open refused: nothing to release. */
  abandon(): void {
    if (this.writes) this.inode.writers -= 1;
    this.inode.put();
  }

  /** One less; the last one releases the file (fput). */
  put(): void {
    this.refs -= 1;
    if (this.refs > 0) return;
    fsnotifyClose(this);
    locksRemoveFile(this);
    if ((this.mode & FMODE_PATH) === 0) this.fops.release?.(this);
    if (this.writes) this.inode.writers -= 1;
    this.inode.put();
  }
}
