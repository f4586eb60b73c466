import { EINVAL, EMFILE } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf } from '../vfs/fdtable.js';
import { AT_FDCWD, O_CLOEXEC, O_NONBLOCK } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { Inotify, inotifyOperations } from '../vfs/inotify.js';
import * as i from '../vfs/inotify-flags.js';
import { MAY_READ } from '../vfs/mode.js';
import { filenameLookup, LOOKUP_DIRECTORY, LOOKUP_FOLLOW } from '../vfs/namei.js';
import { inodePermission } from '../vfs/permission.js';
import { anonInodeGetfd } from './anon-inode.js';
import { int, type SyscallFamily, uint, userPath } from './args.js';

/** @throws {LinuxError} EINVAL: flags; EMFILE: over fs.inotify.max_user_instances, or no descriptor free */
function init(task: TaskStruct, flags: number): number {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) fail(EINVAL);
  const { vfs } = fsOf(task);
  const { sysctl } = task.kernel;
  const { uid } = task.cred;
  const own = [...vfs.inotifies].filter((each) => each.uid === uid).length;
  if (own >= sysctl.get('fs.inotify.max_user_instances')) fail(EMFILE);
  const data = new Inotify(vfs, uid, sysctl.get('fs.inotify.max_queued_events'));
  try {
    return anonInodeGetfd(task, {
      name: 'inotify',
      bare: true,
      readOnly: true,
      fops: inotifyOperations,
      data,
      flags: flags & O_NONBLOCK,
      cloexec: (flags & O_CLOEXEC) !== 0,
    });
  } catch (error) {
    data.destroy();
    throw error;
  }
}

/** @throws {LinuxError} EBADF; EINVAL: another kind of file */
function inotifyAt(task: TaskStruct, fd: number): Inotify {
  const { privateData } = filesOf(task).get(fd);
  return privateData instanceof Inotify ? privateData : fail(EINVAL);
}

/**
 * Watching files and directories.
 *
 * @see fs/notify/inotify/inotify_user.c
 */
export const inotifyCalls: SyscallFamily = {
  inotify_init: (task) => init(task, 0),
  inotify_init1: (task, flags) => init(task, int(flags)),
  inotify_add_watch(task, fd, path, arg) {
    const mask = uint(arg);
    if ((mask & i.ALL_INOTIFY_BITS) === 0) fail(EINVAL);
    filesOf(task).get(int(fd));
    if ((mask & i.IN_MASK_ADD) !== 0 && (mask & i.IN_MASK_CREATE) !== 0) fail(EINVAL);
    const inotify = inotifyAt(task, int(fd));
    const follow = (mask & i.IN_DONT_FOLLOW) === 0 ? LOOKUP_FOLLOW : 0;
    const directory = (mask & i.IN_ONLYDIR) !== 0 ? LOOKUP_DIRECTORY : 0;
    const name = userPath(task, path);
    const { inode } = filenameLookup(task, AT_FDCWD, name, follow | directory).dentry;
    inodePermission(task, inode, MAY_READ);
    return inotify.watch(inode, mask, task.kernel.sysctl.get('fs.inotify.max_user_watches'));
  },
  inotify_rm_watch(task, fd, wd) {
    inotifyAt(task, int(fd)).unwatch(int(wd));
    return 0;
  },
};
