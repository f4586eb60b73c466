import { Struct } from './struct.js';

// The numbers of include/uapi/linux/fuse.h, by their names there.

/** The protocol spoken here: the kernel follows the lower of the two minor numbers. */
export const FUSE_KERNEL_VERSION = 7;
export const FUSE_KERNEL_MINOR_VERSION = 38;
/** The node that is there from the start. */
export const FUSE_ROOT_ID = 1;

export const FUSE_LOOKUP = 1;
export const FUSE_FORGET = 2;
export const FUSE_GETATTR = 3;
export const FUSE_SETATTR = 4;
export const FUSE_READLINK = 5;
export const FUSE_SYMLINK = 6;
export const FUSE_MKNOD = 8;
export const FUSE_MKDIR = 9;
export const FUSE_UNLINK = 10;
export const FUSE_RMDIR = 11;
export const FUSE_RENAME = 12;
export const FUSE_LINK = 13;
export const FUSE_OPEN = 14;
export const FUSE_READ = 15;
export const FUSE_WRITE = 16;
export const FUSE_STATFS = 17;
export const FUSE_RELEASE = 18;
export const FUSE_FSYNC = 20;
export const FUSE_INIT = 26;
export const FUSE_OPENDIR = 27;
export const FUSE_READDIR = 28;
export const FUSE_RELEASEDIR = 29;
export const FUSE_FSYNCDIR = 30;
export const FUSE_ACCESS = 34;
export const FUSE_CREATE = 35;
export const FUSE_INTERRUPT = 36;
export const FUSE_DESTROY = 38;
export const FUSE_IOCTL = 39;
export const FUSE_BATCH_FORGET = 42;
export const FUSE_RENAME2 = 45;

/** Flags of INIT. */
export const FUSE_ASYNC_READ = 1 << 0;
export const FUSE_ATOMIC_O_TRUNC = 1 << 3;
export const FUSE_BIG_WRITES = 1 << 5;
export const FUSE_PARALLEL_DIROPS = 1 << 18;
export const FUSE_MAX_PAGES = 1 << 22;

/** Flag of OPEN: every read and write comes here, whatever the size says. */
export const FOPEN_DIRECT_IO = 1 << 0;

/** Which fields of SETATTR count. */
export const FATTR_MODE = 1 << 0;
export const FATTR_UID = 1 << 1;
export const FATTR_GID = 1 << 2;
export const FATTR_SIZE = 1 << 3;
export const FATTR_ATIME = 1 << 4;
export const FATTR_MTIME = 1 << 5;
export const FATTR_FH = 1 << 6;
export const FATTR_ATIME_NOW = 1 << 7;
export const FATTR_MTIME_NOW = 1 << 8;

export const IN_HEADER = new Struct({
  len: 'u32',
  opcode: 'u32',
  unique: 'u64',
  nodeid: 'u64',
  uid: 'u32',
  gid: 'u32',
  pid: 'u32',
  totalExtlen: 'u16',
  padding: 'u16',
});

export const OUT_HEADER = new Struct({ len: 'u32', error: 'i32', unique: 'u64' });

/** The part of INIT's request that every version has. */
export const INIT_IN = new Struct({
  major: 'u32',
  minor: 'u32',
  maxReadahead: 'u32',
  flags: 'u32',
});

export const INIT_OUT = new Struct({
  major: 'u32',
  minor: 'u32',
  maxReadahead: 'u32',
  flags: 'u32',
  maxBackground: 'u16',
  congestionThreshold: 'u16',
  maxWrite: 'u32',
  timeGran: 'u32',
  maxPages: 'u16',
  mapAlignment: 'u16',
  flags2: 'u32',
  unused0: 'u32',
  unused1: 'u64',
  unused2: 'u64',
  unused3: 'u64',
});

const ATTR = {
  ino: 'u64',
  size: 'u64',
  blocks: 'u64',
  atime: 'u64',
  mtime: 'u64',
  ctime: 'u64',
  atimensec: 'u32',
  mtimensec: 'u32',
  ctimensec: 'u32',
  mode: 'u32',
  nlink: 'u32',
  uid: 'u32',
  gid: 'u32',
  rdev: 'u32',
  blksize: 'u32',
  flags: 'u32',
} as const;

/** Both validities stay 0: who asks, and when, decides what the machine answers. */
export const ENTRY_OUT = new Struct({
  nodeid: 'u64',
  generation: 'u64',
  entryValid: 'u64',
  attrValid: 'u64',
  entryValidNsec: 'u32',
  attrValidNsec: 'u32',
  ...ATTR,
});

export const ATTR_OUT = new Struct({
  attrValid: 'u64',
  attrValidNsec: 'u32',
  dummy: 'u32',
  ...ATTR,
});

export const SETATTR_IN = new Struct({
  valid: 'u32',
  padding: 'u32',
  fh: 'u64',
  size: 'u64',
  lockOwner: 'u64',
  atime: 'u64',
  mtime: 'u64',
  ctime: 'u64',
  atimensec: 'u32',
  mtimensec: 'u32',
  ctimensec: 'u32',
  mode: 'u32',
  unused4: 'u32',
  uid: 'u32',
  gid: 'u32',
  unused5: 'u32',
});

export const OPEN_IN = new Struct({ flags: 'u32', openFlags: 'u32' });
export const OPEN_OUT = new Struct({ fh: 'u64', openFlags: 'u32', backingId: 'i32' });
export const RELEASE_IN = new Struct({
  fh: 'u64',
  flags: 'u32',
  releaseFlags: 'u32',
  lockOwner: 'u64',
});

export const READ_IN = new Struct({
  fh: 'u64',
  offset: 'u64',
  size: 'u32',
  readFlags: 'u32',
  lockOwner: 'u64',
  flags: 'u32',
  padding: 'u32',
});

/** The bytes follow. */
export const WRITE_IN = new Struct({
  fh: 'u64',
  offset: 'u64',
  size: 'u32',
  writeFlags: 'u32',
  lockOwner: 'u64',
  flags: 'u32',
  padding: 'u32',
});
export const WRITE_OUT = new Struct({ size: 'u32', padding: 'u32' });

export const FSYNC_IN = new Struct({ fh: 'u64', fsyncFlags: 'u32', padding: 'u32' });
export const ACCESS_IN = new Struct({ mask: 'u32', padding: 'u32' });
export const CREATE_IN = new Struct({ flags: 'u32', mode: 'u32', umask: 'u32', openFlags: 'u32' });
export const MKNOD_IN = new Struct({ mode: 'u32', rdev: 'u32', umask: 'u32', padding: 'u32' });
export const MKDIR_IN = new Struct({ mode: 'u32', umask: 'u32' });
export const RENAME_IN = new Struct({ newdir: 'u64' });
export const RENAME2_IN = new Struct({ newdir: 'u64', flags: 'u32', padding: 'u32' });
export const LINK_IN = new Struct({ oldnodeid: 'u64' });
export const FORGET_IN = new Struct({ nlookup: 'u64' });
export const BATCH_FORGET_IN = new Struct({ count: 'u32', dummy: 'u32' });
export const FORGET_ONE = new Struct({ nodeid: 'u64', nlookup: 'u64' });

export const STATFS_OUT = new Struct({
  blocks: 'u64',
  bfree: 'u64',
  bavail: 'u64',
  files: 'u64',
  ffree: 'u64',
  bsize: 'u32',
  namelen: 'u32',
  frsize: 'u32',
  padding: 'u32',
  spare0: 'u64',
  spare1: 'u64',
  spare2: 'u64',
});

/** The name follows, padded with zeros to 8 bytes. */
export const DIRENT = new Struct({ ino: 'u64', off: 'u64', namelen: 'u32', type: 'u32' });
