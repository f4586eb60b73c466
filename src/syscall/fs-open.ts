import { EINVAL, ENAMETOOLONG, ERANGE } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import { sysClose, sysCloseRange, sysDup, sysDup2, sysDup3, sysFcntl } from '../vfs/fcntl.js';
import { filesOf } from '../vfs/fdtable.js';
import { getOwnerEx, setOwnerEx } from '../vfs/file-owner.js';
import {
  AT_FDCWD,
  F_GETOWN_EX,
  F_SETOWN_EX,
  O_CREAT,
  O_LARGEFILE,
  O_PATH,
  O_TRUNC,
  O_WRONLY,
  PATH_MAX,
} from '../vfs/flags.js';
import { sysChdir, sysChroot, sysFchdir, sysGetcwd } from '../vfs/fs-calls.js';
import { sysUmask } from '../vfs/fs-struct.js';
import { sysFsync, sysIoctl } from '../vfs/ioctl.js';
import { checkMemfdFlags, memfdCreate } from '../vfs/memfd.js';
import { openat, openat2 } from '../vfs/open.js';
import { doPipe2 } from '../vfs/pipe.js';
import { getdents64 } from '../vfs/readdir.js';
import { sysUserfaultfd } from '../vfs/userfaultfd.js';
import { memfdSecret } from '../vfs/secretmem.js';
import type { U64 } from '../vfs/u64.js';
import { fcntlLock, isLockCommand } from './fs-lock.js';
import {
  done,
  int,
  readUser,
  readUserStruct,
  type SyscallFamily,
  uint,
  userPath,
  userString,
  writeU32s,
  writeUser,
} from './args.js';

/** struct open_how, first version: flags, mode, resolve. */
const OPEN_HOW_SIZE = 24;
/** A memfd's name without its "memfd:" prefix, bytes. */
const MFD_NAME_MAX_LEN = 249;

/**
 * Descriptors: making, copying, closing and asking them, and the working directory.
 *
 * @see fs/open.c, fs/file.c, fs/fcntl.c, fs/readdir.c, mm/memfd.c
 */
export const openCalls: SyscallFamily = {
  open: (task, path, flags, mode) => openPath(task, AT_FDCWD, path, int(flags), uint(mode)),
  openat: (task, dfd, path, flags, mode) => openPath(task, int(dfd), path, int(flags), uint(mode)),
  creat: (task, path, mode) =>
    openPath(task, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, uint(mode)),
  openat2(task, dfd, path, how, size) {
    const view = readUserStruct(task, how, size, { least: OPEN_HOW_SIZE, size: OPEN_HOW_SIZE });
    const flags = view.getBigUint64(0, true);
    return openat2(task, int(dfd), userPath(task, path), {
      // 64-bit kernels open every file large; openat2 refuses the flag beside O_PATH.
      flags: flags & BigInt(O_PATH) ? flags : flags | BigInt(O_LARGEFILE),
      mode: view.getBigUint64(8, true),
      resolve: view.getBigUint64(16, true),
    });
  },

  close: (task, fd) => done(sysClose(task, int(fd))),
  close_range: (task, first, last, flags) =>
    done(sysCloseRange(task, uint(first), uint(last), uint(flags))),
  dup: (task, fd) => sysDup(task, int(fd)),
  dup2: (task, oldfd, newfd) => sysDup2(task, int(oldfd), int(newfd)),
  dup3: (task, oldfd, newfd, flags) => sysDup3(task, int(oldfd), int(newfd), int(flags)),
  fcntl: (task, fd, cmd, arg) => fcntl(task, int(fd), uint(cmd), arg),
  ioctl: (task, fd, cmd, arg) => sysIoctl(task, int(fd), uint(cmd), arg),
  fsync: (task, fd) => done(sysFsync(task, int(fd))),
  fdatasync: (task, fd) => done(sysFsync(task, int(fd))),
  sync: () => 0,

  pipe: (task, fds) => pipe(task, fds, 0),
  pipe2: (task, fds, flags) => pipe(task, fds, int(flags)),
  memfd_create(task, name, flags) {
    checkMemfdFlags(uint(flags));
    const text = userString(task, name, MFD_NAME_MAX_LEN + 1, EINVAL);
    return memfdCreate(task, text, uint(flags));
  },
  userfaultfd: (task, flags) => sysUserfaultfd(task, int(flags)),
  memfd_secret: (task, flags) => memfdSecret(task, uint(flags)),

  getdents64(task, fd, dirent, count) {
    const records = getdents64(task, int(fd), Math.max(int(count), 0));
    writeUser(task, dirent, records);
    return records.length;
  },

  umask: (task, mask) => sysUmask(task, int(mask)),
  chdir: (task, path) => done(sysChdir(task, userPath(task, path))),
  fchdir: (task, fd) => done(sysFchdir(task, int(fd))),
  chroot: (task, path) => done(sysChroot(task, userPath(task, path))),
  getcwd(task, buf, size) {
    const bytes = encodeName(`${sysGetcwd(task)}\0`);
    // Whatever the size, its page holds no more; libc asks for the parts then.
    if (bytes.length > PATH_MAX) fail(ENAMETOOLONG);
    if (bytes.length > size) fail(ERANGE);
    writeUser(task, buf, bytes);
    return bytes.length;
  },
};

function openPath(task: TaskStruct, dfd: number, path: U64, flags: number, mode: number): number {
  return openat(task, dfd, userPath(task, path), flags | O_LARGEFILE, mode);
}

function pipe(task: TaskStruct, addr: U64, flags: number): number {
  const fds = doPipe2(task, flags);
  try {
    writeU32s(task, addr, ...fds);
  } catch (error) {
    for (const fd of fds) sysClose(task, fd);
    throw error;
  }
  return 0;
}

/** fcntl, the commands that read or write a struct f_owner_ex here. */
function fcntl(task: TaskStruct, fd: number, command: number, arg: U64): number {
  if (isLockCommand(command)) return fcntlLock(task, fd, command, arg);
  if (command !== F_SETOWN_EX && command !== F_GETOWN_EX) return sysFcntl(task, fd, command, arg);
  const file = filesOf(task).get(fd);
  if (command === F_GETOWN_EX) {
    const { type, pid } = getOwnerEx(task, file);
    writeU32s(task, arg, type, pid);
    return 0;
  }
  const view = readUser(task, arg, 8);
  setOwnerEx(task, file, { type: view.getInt32(0, true), pid: view.getInt32(4, true) });
  return 0;
}
