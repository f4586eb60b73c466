import { EAGAIN, EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import {
  __O_TMPFILE,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_SYNC,
  O_TRUNC,
  RESOLVE_BENEATH,
  RESOLVE_CACHED,
  RESOLVE_IN_ROOT,
  VALID_OPEN_FLAGS,
} from './flags.js';
import { MAY_APPEND, MAY_READ, MAY_WRITE, S_IALLUGO, S_IFREG } from './mode.js';
import { LOOKUP_DIRECTORY, LOOKUP_FOLLOW } from './namei.js';

const O_PATH_FLAGS = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
const __O_SYNC = O_SYNC & ~O_DSYNC;
const VALID_RESOLVE_FLAGS = 0x3f;
/** What each access mode asks of the inode; 3 asks for both and then allows neither (K-021). */
const ACC_MODE = [MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE];

/** What openat2(2) is asked (struct open_how). */
export interface OpenHow {
  readonly flags: number;
  readonly mode: number;
  readonly resolve: number;
}

/** An open made ready (struct open_flags). */
export interface OpenFlags {
  readonly openFlag: number;
  /** Type and permissions of a file to create. */
  readonly mode: number;
  /** MAY_* asked of the inode. */
  readonly accMode: number;
  readonly lookupFlags: number;
  readonly resolve: number;
}

/** Whether the flags may create a file. */
function willCreate(flags: number): boolean {
  return (flags & (O_CREAT | __O_TMPFILE)) !== 0;
}

/**
 * What openat(2) makes of its arguments: unknown flags and useless modes are forgotten.
 * @see fs/open.c build_open_how()
 */
export function buildOpenHow(flags: number, mode: number): OpenHow {
  let kept = flags & VALID_OPEN_FLAGS;
  if ((kept & O_PATH) !== 0) kept &= O_PATH_FLAGS;
  return { flags: kept, mode: willCreate(kept) ? mode & S_IALLUGO : 0, resolve: 0 };
}

/**
 * Checks an open and derives what the walk and the permission check need.
 * @throws {LinuxError} EINVAL: a flag or a combination that does not exist; EAGAIN: RESOLVE_CACHED
 *   with a flag that changes the file system
 * @see fs/open.c build_open_flags()
 */
export function buildOpenFlags(how: OpenHow): OpenFlags {
  let { flags } = how;
  const { resolve } = how;
  if ((flags & ~VALID_OPEN_FLAGS) !== 0 || (resolve & ~VALID_RESOLVE_FLAGS) !== 0) fail(EINVAL);
  if ((resolve & RESOLVE_BENEATH) !== 0 && (resolve & RESOLVE_IN_ROOT) !== 0) fail(EINVAL);
  if (!willCreate(flags) && how.mode !== 0) fail(EINVAL);
  if ((how.mode & ~S_IALLUGO) !== 0) fail(EINVAL);
  if ((flags & O_CREAT) !== 0 && (flags & O_DIRECTORY) !== 0) fail(EINVAL);
  let accMode = ACC_MODE[flags & O_ACCMODE] as number;
  if ((flags & __O_TMPFILE) !== 0) {
    if ((flags & O_DIRECTORY) === 0 || (accMode & MAY_WRITE) === 0) fail(EINVAL);
  }
  if ((flags & O_PATH) !== 0) {
    if ((flags & ~O_PATH_FLAGS) !== 0) fail(EINVAL);
    accMode = 0;
  }
  if ((flags & __O_SYNC) !== 0) flags |= O_DSYNC;
  if ((flags & O_TRUNC) !== 0) accMode |= MAY_WRITE;
  if ((flags & O_APPEND) !== 0) accMode |= MAY_APPEND;
  const exclusive = (flags & O_CREAT) !== 0 && (flags & O_EXCL) !== 0;
  let lookupFlags = (flags & O_DIRECTORY) !== 0 ? LOOKUP_DIRECTORY : 0;
  if ((flags & O_NOFOLLOW) === 0 && !exclusive) lookupFlags |= LOOKUP_FOLLOW;
  if ((resolve & RESOLVE_CACHED) !== 0 && (flags & (O_TRUNC | O_CREAT | __O_TMPFILE)) !== 0) {
    fail(EAGAIN);
  }
  const mode = willCreate(flags) ? how.mode | S_IFREG : 0;
  return { openFlag: flags, mode, accMode, lookupFlags, resolve };
}

/**
 * The fields of a struct open_how, which are 64 bits wide.
 * @throws {LinuxError} EINVAL: a bit beyond the flags that exist
 */
export function narrowOpenHow(how: {
  readonly flags: bigint;
  readonly mode: bigint;
  readonly resolve: bigint;
}): OpenHow {
  const narrow = (field: bigint): number => (field >> 31n === 0n ? Number(field) : fail(EINVAL));
  return { flags: narrow(how.flags), mode: narrow(how.mode), resolve: narrow(how.resolve) };
}
