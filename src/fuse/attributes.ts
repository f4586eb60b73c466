import type { Kstat } from '../vfs/stat.js';
import type { Callers } from './callers.js';

/** Milliseconds as whole seconds, and the nanoseconds above them. */
function split(ms: number): [seconds: number, nanoseconds: number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

/** Attributes as fields of a struct fuse_attr, owners as the host numbers them. */
export function attributesOf(stat: Kstat, { users, groups }: Callers) {
  const [atime, atimensec] = split(stat.atime);
  const [mtime, mtimensec] = split(stat.mtime);
  const [ctime, ctimensec] = split(stat.ctime);
  return {
    ino: stat.ino,
    size: stat.size,
    blocks: stat.blocks,
    ...{ atime, mtime, ctime, atimensec, mtimensec, ctimensec },
    mode: stat.mode,
    nlink: stat.nlink,
    uid: users.toHost(stat.uid),
    gid: groups.toHost(stat.gid),
    rdev: stat.rdev,
    blksize: stat.blksize,
  };
}
