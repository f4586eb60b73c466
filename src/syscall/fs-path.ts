import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { faccessat } from '../vfs/access.js';
import { fchmod, fchmodat2, fchown, fchownat, type SetTime, utimensat } from '../vfs/attr.js';
import type { U64 } from '../vfs/u64.js';
import { AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW } from '../vfs/flags.js';
import { linkat, mkdirat, mknodat, symlinkat, unlinkat } from '../vfs/namei-modify.js';
import { renameat2 } from '../vfs/rename.js';
import { sysFallocate, sysFtruncate, sysTruncate } from '../vfs/truncate.js';
import { done, int, readUser, type SyscallFamily, uint, userPath } from './args.js';

const NSEC_PER_SEC = 1_000_000_000n;
/** tv_nsec values with a meaning of their own: include/uapi/linux/stat.h. */
const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;

/**
 * Changing the tree of names and the attributes of files.
 *
 * @see fs/namei.c, fs/open.c, fs/utimes.c
 */
export const pathCalls: SyscallFamily = {
  mkdir: (task, path, mode) => done(mkdirat(task, AT_FDCWD, userPath(task, path), uint(mode))),
  mkdirat: (task, dfd, path, mode) =>
    done(mkdirat(task, int(dfd), userPath(task, path), uint(mode))),
  mknod: (task, path, mode, dev) =>
    done(mknodat(task, AT_FDCWD, userPath(task, path), uint(mode), uint(dev))),
  mknodat: (task, dfd, path, mode, dev) =>
    done(mknodat(task, int(dfd), userPath(task, path), uint(mode), uint(dev))),
  unlink: (task, path) => done(unlinkat(task, AT_FDCWD, userPath(task, path), 0)),
  rmdir: (task, path) => done(unlinkat(task, AT_FDCWD, userPath(task, path), AT_REMOVEDIR)),
  unlinkat(task, dfd, path, flags) {
    if ((int(flags) & ~AT_REMOVEDIR) !== 0) fail(EINVAL);
    return done(unlinkat(task, int(dfd), userPath(task, path), int(flags)));
  },

  rename: (task, from, to) => rename(task, AT_FDCWD, from, AT_FDCWD, to, 0),
  renameat: (task, fromDfd, from, toDfd, to) => rename(task, int(fromDfd), from, int(toDfd), to, 0),
  renameat2: (task, fromDfd, from, toDfd, to, flags) =>
    rename(task, int(fromDfd), from, int(toDfd), to, uint(flags)),
  link: (task, from, to) =>
    done(linkat(task, AT_FDCWD, userPath(task, from), AT_FDCWD, userPath(task, to), 0)),
  linkat: (task, fromDfd, from, toDfd, to, flags) =>
    done(
      linkat(task, int(fromDfd), userPath(task, from), int(toDfd), userPath(task, to), int(flags)),
    ),
  symlink: (task, target, path) =>
    done(symlinkat(task, userPath(task, target), AT_FDCWD, userPath(task, path))),
  symlinkat: (task, target, dfd, path) =>
    done(symlinkat(task, userPath(task, target), int(dfd), userPath(task, path))),

  access: (task, path, mode) => done(faccessat(task, AT_FDCWD, userPath(task, path), int(mode), 0)),
  faccessat: (task, dfd, path, mode) =>
    done(faccessat(task, int(dfd), userPath(task, path), int(mode), 0)),
  faccessat2: (task, dfd, path, mode, flags) =>
    done(faccessat(task, int(dfd), userPath(task, path), int(mode), int(flags))),

  chmod: (task, path, mode) => done(fchmodat2(task, AT_FDCWD, userPath(task, path), uint(mode), 0)),
  fchmod: (task, fd, mode) => done(fchmod(task, int(fd), uint(mode))),
  fchmodat: (task, dfd, path, mode) =>
    done(fchmodat2(task, int(dfd), userPath(task, path), uint(mode), 0)),
  fchmodat2: (task, dfd, path, mode, flags) =>
    done(fchmodat2(task, int(dfd), userPath(task, path), uint(mode), uint(flags))),
  chown: (task, path, uid, gid) =>
    done(fchownat(task, AT_FDCWD, userPath(task, path), uint(uid), uint(gid), 0)),
  lchown: (task, path, uid, gid) =>
    done(fchownat(task, AT_FDCWD, userPath(task, path), uint(uid), uint(gid), AT_SYMLINK_NOFOLLOW)),
  fchown: (task, fd, uid, gid) => done(fchown(task, int(fd), uint(uid), uint(gid))),
  fchownat: (task, dfd, path, uid, gid, flags) =>
    done(fchownat(task, int(dfd), userPath(task, path), uint(uid), uint(gid), int(flags))),

  truncate: (task, path, length) => done(sysTruncate(task, userPath(task, path), length)),
  ftruncate: (task, fd, length) => done(sysFtruncate(task, int(fd), length)),
  fallocate: (task, fd, mode, offset, length) =>
    done(sysFallocate(task, int(fd), int(mode), offset, length)),

  utimensat(task, dfd, path, times, flags) {
    const stamps = times === 0 ? null : readTimes(task, times);
    // Nothing to change: not even the path is looked at.
    if (stamps !== null && stamps[0] === 'omit' && stamps[1] === 'omit') return 0;
    const name = path === 0 ? null : userPath(task, path);
    return done(utimensat(task, int(dfd), name, stamps, int(flags)));
  },
};

function rename(
  task: TaskStruct,
  fromDfd: number,
  from: U64,
  toDfd: number,
  to: U64,
  flags: number,
): number {
  renameat2(task, fromDfd, userPath(task, from), toDfd, userPath(task, to), flags);
  return 0;
}

function readTimes(task: TaskStruct, addr: U64): [SetTime, SetTime] {
  const view = readUser(task, addr, 32);
  return [readStamp(view, 0), readStamp(view, 16)];
}

/** A struct timespec. */
function readStamp(view: DataView, offset: number): SetTime {
  const nsec = view.getBigInt64(offset + 8, true);
  if (nsec === BigInt(UTIME_NOW)) return 'now';
  if (nsec === BigInt(UTIME_OMIT)) return 'omit';
  if (nsec < 0n || nsec > 999_999_999n) return 'invalid';
  const seconds = view.getBigInt64(offset, true);
  return { ms: Number(seconds) * 1000 + Number(nsec) / 1e6, ns: seconds * NSEC_PER_SEC + nsec };
}
