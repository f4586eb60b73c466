import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { fromKgidMunged, fromKuidMunged } from '../kernel/userns.js';
import { encodeName } from '../mm/name-bytes.js';
import { major, minor } from '../vfs/super-block.js';
import type { U64 } from '../vfs/u64.js';
import { AT_EMPTY_PATH, AT_FDCWD, AT_STATX_SYNC_TYPE, AT_SYMLINK_NOFOLLOW } from '../vfs/flags.js';
import { type Kstat, readlinkat, vfsFstat, vfsStatat } from '../vfs/stat.js';
import { int, type SyscallFamily, uint, userPath, writeUser } from './args.js';

// include/uapi/linux/stat.h
const STATX_BASIC_STATS = 0x7ff;
const STATX_BTIME = 0x800;
const STATX_MNT_ID = 0x1000;
const STATX_ATTR_MOUNT_ROOT = 0x2000;
const STATX_ATTR_IMMUTABLE = 0x10;
/** Attributes that every file system tells: automount points, the top of a mount, DAX; and a tmpfs. */
const STATX_ATTRS = 0x203000;
const STATX_ATTRS_TMPFS = STATX_ATTRS | 0x70;
const STATX_RESERVED = 0x80000000;
const NSEC_PER_MSEC = 1_000_000;
const NSEC_PER_SEC = 1_000_000_000n;

/** Where the fields of struct stat that architectures disagree on lie in one architecture's layout, bytes. */
interface StatLayout {
  readonly size: number;
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly rdev: number;
}

/** arch/x86/include/uapi/asm/stat.h */
const STAT_X86_64: StatLayout = {
  size: 144,
  nlink: 16,
  mode: 24,
  uid: 28,
  gid: 32,
  rdev: 40,
};

/** include/uapi/asm-generic/stat.h; from st_size on both are alike. */
const STAT_GENERIC: StatLayout = {
  size: 128,
  mode: 16,
  nlink: 20,
  uid: 24,
  gid: 28,
  rdev: 32,
};

/**
 * Asking for attributes, with struct stat as x86-64 lays it out.
 *
 * @see fs/stat.c
 */
export const statCalls: SyscallFamily = statFamily(STAT_X86_64);

/** The same with the struct stat of the generic table. */
export const statCallsGeneric: SyscallFamily = statFamily(STAT_GENERIC);

function statFamily(layout: StatLayout): SyscallFamily {
  const put = (task: TaskStruct, addr: U64, stat: Kstat): number => {
    writeUser(task, addr, encodeStat(task, stat, layout));
    return 0;
  };
  return {
    stat: (task, path, buf) => put(task, buf, vfsStatat(task, AT_FDCWD, userPath(task, path), 0)),
    lstat: (task, path, buf) =>
      put(task, buf, vfsStatat(task, AT_FDCWD, userPath(task, path), AT_SYMLINK_NOFOLLOW)),
    fstat: (task, fd, buf) => put(task, buf, vfsFstat(task, int(fd))),
    newfstatat: (task, dfd, path, buf, flags) =>
      put(task, buf, vfsStatat(task, int(dfd), maybeNull(task, path, flags), int(flags))),
    statx(task, dfd, path, flags, mask, buf) {
      const name = maybeNull(task, path, flags);
      if ((uint(mask) & STATX_RESERVED) !== 0) fail(EINVAL);
      if ((uint(flags) & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE) fail(EINVAL);
      const stat = vfsStatat(task, int(dfd), name, uint(flags) & ~AT_STATX_SYNC_TYPE);
      writeUser(task, buf, encodeStatx(task, stat));
      return 0;
    },
    readlink: (task, path, buf, size) => readlink(task, AT_FDCWD, path, buf, int(size)),
    readlinkat: (task, dfd, path, buf, size) => readlink(task, int(dfd), path, buf, int(size)),
  };
}

/** A path that may be a null pointer when AT_EMPTY_PATH says the descriptor is meant. */
function maybeNull(task: TaskStruct, path: U64, flags: U64): string {
  return path === 0 && (int(flags) & AT_EMPTY_PATH) !== 0 ? '' : userPath(task, path);
}

function readlink(task: TaskStruct, dfd: number, path: U64, buf: U64, size: number): number {
  const target = encodeName(readlinkat(task, dfd, userPath(task, path), size));
  const cut = target.subarray(0, size);
  writeUser(task, buf, cut);
  return cut.length;
}

function encodeStat(task: TaskStruct, stat: Kstat, layout: StatLayout): DataView {
  const view = new DataView(new ArrayBuffer(layout.size));
  view.setUint32(0, stat.dev, true);
  view.setBigUint64(8, BigInt(stat.ino), true);
  view.setUint32(layout.mode, stat.mode, true);
  view.setUint32(layout.nlink, stat.nlink, true);
  view.setUint32(layout.uid, fromKuidMunged(task.cred.userNs, stat.uid), true);
  view.setUint32(layout.gid, fromKgidMunged(task.cred.userNs, stat.gid), true);
  view.setUint32(layout.rdev, stat.rdev, true);
  view.setBigUint64(48, BigInt(stat.size), true);
  view.setUint32(56, stat.blksize, true);
  view.setBigUint64(64, BigInt(stat.blocks), true);
  putTime(view, 72, stat.atime, stat.exactAtime);
  putTime(view, 88, stat.mtime, stat.exactMtime);
  putTime(view, 104, stat.ctime);
  return view;
}

function encodeStatx(task: TaskStruct, stat: Kstat): DataView {
  const view = new DataView(new ArrayBuffer(256));
  const birth = stat.btime === null ? 0 : STATX_BTIME;
  view.setUint32(0, STATX_BASIC_STATS | STATX_MNT_ID | birth, true);
  const top = stat.isMountRoot ? STATX_ATTR_MOUNT_ROOT : 0;
  view.setUint32(8, top | (stat.immutable ? STATX_ATTR_IMMUTABLE : 0), true);
  view.setUint32(56, stat.btime === null ? STATX_ATTRS : STATX_ATTRS_TMPFS, true);
  view.setUint32(4, stat.blksize, true);
  view.setUint32(16, stat.nlink, true);
  view.setUint32(20, fromKuidMunged(task.cred.userNs, stat.uid), true);
  view.setUint32(24, fromKgidMunged(task.cred.userNs, stat.gid), true);
  view.setUint16(28, stat.mode, true);
  view.setBigUint64(32, BigInt(stat.ino), true);
  view.setBigUint64(40, BigInt(stat.size), true);
  view.setBigUint64(48, BigInt(stat.blocks), true);
  putTime(view, 64, stat.atime, stat.exactAtime);
  if (stat.btime !== null) putTime(view, 80, stat.btime);
  putTime(view, 96, stat.ctime);
  putTime(view, 112, stat.mtime, stat.exactMtime);
  view.setUint32(128, major(stat.rdev), true);
  view.setUint32(132, minor(stat.rdev), true);
  view.setUint32(136, major(stat.dev), true);
  view.setUint32(140, minor(stat.dev), true);
  view.setBigUint64(144, BigInt(stat.mountId), true);
  return view;
}

/** A time as seconds and nanoseconds, 8 bytes each or 8 and 4: the higher half is zero. */
function putTime(view: DataView, offset: number, ms: number, exact?: bigint): void {
  const seconds = Math.floor(ms / 1000);
  const fraction = Math.floor((ms - seconds * 1000) * NSEC_PER_MSEC);
  const whole = exact === undefined ? BigInt(seconds) : floorDiv(exact, NSEC_PER_SEC);
  view.setBigInt64(offset, whole, true);
  view.setUint32(
    offset + 8,
    exact === undefined ? fraction : Number(exact - whole * NSEC_PER_SEC),
    true,
  );
}

function floorDiv(a: bigint, b: bigint): bigint {
  return a < 0n ? -((b - 1n - a) / b) : a / b;
}
