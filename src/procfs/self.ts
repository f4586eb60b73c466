import { ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { Dentry } from '../vfs/dentry.js';
import { Inode } from '../vfs/inode.js';
import { S_IFLNK } from '../vfs/mode.js';
import { alwaysStands } from './proc-inode.js';

/** Where a link of the root leads, for who follows it (K-003). */
type LinkText = (caller: TaskStruct) => string;

/** fs/proc/self.c proc_self_get_link() */
export const selfText: LinkText = (caller) => String(caller.tgid);

/** fs/proc/thread_self.c proc_thread_self_get_link() */
export const threadSelfText: LinkText = (caller) => `${caller.tgid}/task/${caller.pid}`;

/** Makes /proc/mounts: the mounts of who looks (fs/proc/root.c proc_symlink()). */
export function mountsLink(root: Dentry): void {
  const target = 'self/mounts';
  const inode = new Inode(root.inode.sb, S_IFLNK | 0o777, 0, 0, { getLink: () => target }, {});
  inode.privateData = alwaysStands;
  inode.fixedSize = target.length;
  root.children.set('mounts', new Dentry('mounts', root, inode));
}

/** Makes /proc/self or /proc/thread-self: a link that is different for everyone. */
export function selfLink(root: Dentry, name: string, text: LinkText): Dentry {
  const getLink = (caller: TaskStruct): string => (caller.exited ? fail(ENOENT) : text(caller));
  const iops = { getLink };
  const inode = new Inode(root.inode.sb, S_IFLNK | 0o777, 0, 0, iops, {});
  inode.privateData = alwaysStands;
  const dentry = new Dentry(name, root, inode);
  root.children.set(name, dentry);
  return dentry;
}
