import type { TaskStruct } from '../kernel/task.js';
import type { Dentry } from './dentry.js';
import type { Vfs } from './vfs.js';

/** include/linux/fs.h */
const MAX_LFS_FILESIZE = (1n << 63n) - 1n;
/** What a file system has that says nothing: positions of 31 bits. */
export const MAX_NON_LFS = (1n << 31n) - 1n;

/** What one kind of file system has that others do not. */
export interface SuperBlockOptions {
  /** Bytes a read should ask for (default 4096). */
  readonly blockSize?: number;
  /** The largest position in a file (default 2^63 - 1). */
  readonly maxBytes?: bigint;
  readonly readOnly?: boolean;
  readonly dropUnused?: boolean;
  readonly revalidate?: (task: TaskStruct, dentry: Dentry) => boolean;
}

/** One mounted or internal file system (struct super_block). */
export class SuperBlock {
  readonly vfs: Vfs;
  /** Its name in /proc/PID/mountinfo: tmpfs, proc, hostfs, pipefs… */
  readonly type: string;
  /** st_dev, as user space encodes it. */
  readonly dev: number;
  /** st_blksize. */
  readonly blockSize: number;
  /** s_maxbytes. */
  readonly maxBytes: bigint;
  readonly readOnly: boolean;
  /** Pages of an inode with no user left go although it is linked: they can be read again. */
  readonly dropUnused: boolean;
  /** Whether a cached name is still true; false has it looked up again (d_revalidate). */
  readonly revalidate: ((task: TaskStruct, dentry: Dentry) => boolean) | undefined;
  /** Watches of its inodes: mostly none, and then nobody is told anything (s_fsnotify_info). */
  marks = 0;
  private lastIno = 0;

  constructor(vfs: Vfs, type: string, dev: number, options: SuperBlockOptions = {}) {
    this.vfs = vfs;
    this.type = type;
    this.dev = dev;
    this.blockSize = options.blockSize ?? 4096;
    this.maxBytes = options.maxBytes ?? MAX_LFS_FILESIZE;
    this.readOnly = options.readOnly ?? false;
    this.dropUnused = options.dropUnused ?? false;
    this.revalidate = options.revalidate;
  }

  /** A new inode number; they rise. */
  nextIno(): number {
    this.lastIno += 1;
    return this.lastIno;
  }
}

/** A device number as user space encodes it (include/linux/kdev_t.h new_encode_dev()). */
export function makedev(major: number, minor: number): number {
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}

/** The major number of an encoded device number. */
export function major(dev: number): number {
  return (dev >>> 8) & 0xfff;
}

/** The minor number of an encoded device number. */
export function minor(dev: number): number {
  return (dev & 0xff) | ((dev >>> 12) & 0xfff00);
}
