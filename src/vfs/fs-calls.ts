import { ENOENT, ENOTDIR, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_CHROOT, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import { dPath } from './dentry.js';
import { filesOf } from './fdtable.js';
import { AT_FDCWD } from './flags.js';
import { fsOf } from './fs-struct.js';
import { isDir, MAY_CHDIR, MAY_EXEC } from './mode.js';
import { filenameLookup, LOOKUP_DIRECTORY, LOOKUP_FOLLOW } from './namei.js';
import { inodePermission } from './permission.js';

const WALK = LOOKUP_FOLLOW | LOOKUP_DIRECTORY;

/**
 * chdir.
 * @throws {LinuxError} the walk's; ENOTDIR; EACCES: no search permission
 * @see fs/open.c chdir()
 */
export function sysChdir(task: TaskStruct, name: string): void {
  const path = filenameLookup(task, AT_FDCWD, name, WALK);
  inodePermission(task, path.dentry.inode, MAY_EXEC | MAY_CHDIR);
  fsOf(task).pwd = path;
}

/**
 * fchdir; an O_PATH descriptor will do.
 * @throws {LinuxError} EBADF; ENOTDIR; EACCES: no search permission
 * @see fs/open.c fchdir()
 */
export function sysFchdir(task: TaskStruct, fd: number): void {
  const file = filesOf(task).rawFile(fd);
  if (!isDir(file.inode.mode)) fail(ENOTDIR);
  inodePermission(task, file.inode, MAY_EXEC | MAY_CHDIR);
  fsOf(task).pwd = file.path;
}

/**
 * chroot.
 * @throws {LinuxError} the walk's; ENOTDIR; EACCES; EPERM: no CAP_SYS_CHROOT in the caller's
 *   namespace
 * @see fs/open.c chroot()
 */
export function sysChroot(task: TaskStruct, name: string): void {
  const path = filenameLookup(task, AT_FDCWD, name, WALK);
  inodePermission(task, path.dentry.inode, MAY_EXEC | MAY_CHDIR);
  if (!capable(task, task.cred.userNs, CAP_SYS_CHROOT)) fail(EPERM);
  fsOf(task).root = path;
}

/**
 * The working directory as getcwd shows it: "(unreachable)" before one outside the root.
 * @throws {LinuxError} ENOENT: the directory was removed
 * @see fs/d_path.c getcwd()
 */
export function sysGetcwd(task: TaskStruct): string {
  const { root, pwd } = fsOf(task);
  if (!pwd.dentry.hashed) fail(ENOENT);
  return dPath(pwd, root);
}
