import { ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { TaskFs } from '../kernel/task-files.js';
import { pathEqual } from './dentry.js';
import type { Path } from './dentry.js';
import type { Vfs } from './vfs.js';

/** Root, working directory and umask of a task (struct fs_struct). */
export class FsStruct implements TaskFs {
  users = 1;
  readonly vfs: Vfs;
  root: Path;
  pwd: Path;
  /** Permission bits that new files do not get. */
  umask: number;

  constructor(vfs: Vfs, root: Path, pwd: Path, umask = 0o022) {
    this.vfs = vfs;
    this.root = root;
    this.pwd = pwd;
    this.umask = umask;
  }

  /** Whether the root is not the top of the mount tree (current_chrooted()). */
  get chrooted(): boolean {
    return !pathEqual(this.root, this.vfs.root);
  }

  /** A copy for a child without CLONE_FS. */
  dup(): FsStruct {
    return new FsStruct(this.vfs, this.root, this.pwd, this.umask);
  }

  /** The last task that used it has gone. */
  release(): void {}
}

/**
 * The task's root, working directory and umask.
 * @throws {LinuxError} ESRCH: it has none, having exited
 */
export function fsOf(task: TaskStruct): FsStruct {
  return task.fs instanceof FsStruct ? task.fs : fail(ESRCH);
}

/**
 * umask: sets the permission bits new files do not get and returns those before.
 * @see kernel/sys.c umask()
 */
export function sysUmask(task: TaskStruct, mask: number): number {
  const fs = fsOf(task);
  const old = fs.umask;
  fs.umask = mask & 0o777;
  return old;
}
