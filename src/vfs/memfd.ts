import { EBUSY, EINVAL, ENODEV, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import { filesOf, nofileLimit } from './fdtable.js';
import type { File } from './file.js';
import { FMODE_WRITE } from './file.js';
import {
  F_ALL_SEALS,
  F_SEAL_EXEC,
  F_SEAL_FUTURE_WRITE,
  F_SEAL_GROW,
  F_SEAL_SEAL,
  F_SEAL_SHRINK,
  F_SEAL_WRITE,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  MFD_EXEC,
  MFD_HUGETLB,
  MFD_NOEXEC_SEAL,
} from './flags.js';
import { fsOf } from './fs-struct.js';
import { S_IXUGO } from './mode.js';
import { shmemFileSetup } from './shmem-file.js';
import { shmemFileOperations } from './shmem.js';

/** Bytes of a name without its prefix and NUL (mm/memfd.c, MFD_NAME_MAX_LEN). */
const MFD_NAME_MAX_LEN = 249;
const MFD_ALL_FLAGS = MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB | MFD_NOEXEC_SEAL | MFD_EXEC;

/**
 * The flags of memfd_create, which are looked at before the name.
 * @throws {LinuxError} EINVAL
 * @see mm/memfd.c sanitize_flags()
 */
export function checkMemfdFlags(flags: number): void {
  if ((flags & ~MFD_ALL_FLAGS) !== 0) fail(EINVAL);
  if ((flags & MFD_EXEC) !== 0 && (flags & MFD_NOEXEC_SEAL) !== 0) fail(EINVAL);
}

/**
 * memfd_create: a file in memory without a name in any directory.
 * @throws {LinuxError} EINVAL: flags, or a name too long; ENODEV: MFD_HUGETLB, there are no huge
 *   pages; EMFILE
 * @see mm/memfd.c memfd_create()
 */
export function memfdCreate(task: TaskStruct, name: string, flags: number): number {
  checkMemfdFlags(flags);
  if (encodeName(name).length > MFD_NAME_MAX_LEN) fail(EINVAL);
  const files = filesOf(task);
  const fd = files.lowestFree(nofileLimit(task));
  if ((flags & MFD_HUGETLB) !== 0) fail(ENODEV);
  const file = shmemFileSetup(fsOf(task).vfs, task.cred, `memfd:${name}`);
  if ((flags & MFD_NOEXEC_SEAL) !== 0) {
    file.inode.mode &= ~S_IXUGO;
    file.inode.seals = F_SEAL_EXEC;
  } else if ((flags & MFD_ALLOW_SEALING) !== 0) {
    file.inode.seals = 0;
  }
  files.install(fd, file, (flags & MFD_CLOEXEC) !== 0);
  return fd;
}

/**
 * F_ADD_SEALS: forbids changes for good.
 * @throws {LinuxError} EPERM: not for writing, or sealed against more seals; EINVAL: an unknown
 *   seal, or a file that has none; EBUSY: F_SEAL_WRITE while a writable shared mapping stands
 * @see mm/memfd.c memfd_add_seals()
 */
export function memfdAddSeals(file: File, seals: number): void {
  if ((file.mode & FMODE_WRITE) === 0) fail(EPERM);
  if ((seals & ~F_ALL_SEALS) !== 0 || file.fops !== shmemFileOperations) fail(EINVAL);
  const { inode } = file;
  if ((inode.seals & F_SEAL_SEAL) !== 0) fail(EPERM);
  let added = seals;
  // Sealing the x bits of an executable file seals its contents too.
  if ((seals & F_SEAL_EXEC) !== 0 && (inode.mode & S_IXUGO) !== 0) {
    added |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
  }
  if ((added & F_SEAL_WRITE) !== 0 && (inode.seals & F_SEAL_WRITE) === 0) {
    if (file.pages.writableMappings > 0) fail(EBUSY);
  }
  inode.seals |= added;
}

/**
 * F_GET_SEALS.
 * @throws {LinuxError} EINVAL: a file that has no seals
 * @see mm/memfd.c memfd_get_seals()
 */
export function memfdGetSeals(file: File): number {
  if (file.fops !== shmemFileOperations) fail(EINVAL);
  return file.inode.seals;
}
