/** What stat tells of a file, ids as the caller sees them. */
export interface FileStat {
  /** Device and inode together name the file within a machine. */
  readonly dev: number;
  readonly ino: number;
  /** Type and permission bits, S_IF*. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  /** The device it stands for, if it is one. */
  readonly rdev: number;
  /** Bytes, rounded beyond 2^53; 0 for files of /proc. */
  readonly size: number;
  /** Bytes a read should ask for. */
  readonly blksize: number;
  /** Units of 512 bytes. */
  readonly blocks: number;
  /** Milliseconds since the epoch. */
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
}
