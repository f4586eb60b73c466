import { ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { Dentry } from '../vfs/dentry.js';
import { Inode, type InodeOperations } from '../vfs/inode.js';
import { S_IFLNK } from '../vfs/mode.js';
import { alwaysStands } from './proc-inode.js';

const MOUNTS = 'self/mounts';
const NET = 'self/net';

export const mountsLinkOperations: InodeOperations = { getLink: () => MOUNTS };
export const netLinkOperations: InodeOperations = { getLink: () => NET };

/** Where a link of the root leads, for who follows it (K-003). */
function linkFor(text: (caller: TaskStruct) => string): InodeOperations {
  return { getLink: (caller) => (caller.exited ? fail(ENOENT) : text(caller)) };
}

/** fs/proc/self.c proc_self_get_link() */
export const selfLinkOperations = linkFor((caller) => String(caller.tgid));

/** fs/proc/thread_self.c proc_thread_self_get_link() */
export const threadSelfLinkOperations = linkFor((caller) => `${caller.tgid}/task/${caller.pid}`);

function fixedLink(root: Dentry, name: string, iops: InodeOperations, length: number): void {
  const inode = new Inode(root.inode.sb, S_IFLNK | 0o777, 0, 0, iops, {});
  inode.privateData = alwaysStands;
  inode.fixedSize = length;
  root.setChild(name, new Dentry(name, root, inode));
}

/** Makes /proc/mounts: the mounts of who looks (fs/proc/root.c proc_symlink()). */
export function mountsLink(root: Dentry): void {
  fixedLink(root, 'mounts', mountsLinkOperations, MOUNTS.length);
}

/** Makes /proc/net: the network of who looks (fs/proc/proc_net.c proc_net_init()). */
export function netLink(root: Dentry): void {
  fixedLink(root, 'net', netLinkOperations, NET.length);
}

/** Makes /proc/self or /proc/thread-self: a link that is different for everyone. */
export function selfLink(root: Dentry, name: string, iops: InodeOperations): void {
  const inode = new Inode(root.inode.sb, S_IFLNK | 0o777, 0, 0, iops, {});
  inode.privateData = alwaysStands;
  root.setChild(name, new Dentry(name, root, inode));
}
