import { ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Pid } from '../kernel/pid.js';
import type { TaskStruct } from '../kernel/task.js';
import { Dentry } from '../vfs/dentry.js';
import { genericReadDir } from '../vfs/directory.js';
import type { DirEntry, File, FileOperations } from '../vfs/file.js';
import { Inode } from '../vfs/inode.js';
import type { InodeOperations } from '../vfs/inode.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { fsUmodeToDtype, S_IFDIR } from '../vfs/mode.js';
import { MAX_NON_LFS } from '../vfs/super-block.js';
import type { Vfs } from '../vfs/vfs.js';
import {
  HIDEPID_INVISIBLE,
  HIDEPID_NO_ACCESS,
  HIDEPID_NOT_PTRACEABLE,
  hasPidPermissions,
  pidGetattr,
  procOptions,
  procPidPermission,
  setProcOptions,
} from './hidepid.js';
import type { ProcOptions } from './hidepid.js';
import { nameToInt } from './name-to-int.js';
import { pidentFileOperations, pidentInodeOperations } from './pid-entry.js';
import { tgidBaseStuff } from './pid.js';
import {
  pidRevalidate,
  procDefInodeOperations,
  procInode,
  procPidMakeInode,
} from './proc-inode.js';
import { rootEntries } from './root-entries.js';
import { selfLink, selfLinkOperations, threadSelfLinkOperations } from './self.js';
import { pidEntryNlink } from './task.js';

export type { ProcOptions } from './hidepid.js';

/** Bytes a read of /proc should ask for. */
const PROC_BLOCK_SIZE = 1024;

export const tgidInodeOperations: InodeOperations = {
  ...pidentInodeOperations(() => tgidBaseStuff),
  permission: procPidPermission,
  getattr: pidGetattr,
};
export const tgidFileOperations = pidentFileOperations(() => tgidBaseStuff);

/** fs/proc/base.c pid_delete_dentry(), and what each kind of entry says itself. */
export function procRevalidate(caller: TaskStruct, dentry: Dentry): boolean {
  const { inode, name } = dentry;
  return procInode(inode).revalidate(caller, inode, name);
}

/**
 * The directory of a task, of a thread too (K-001, K-002, K-004).
 * @throws {LinuxError} ENOENT: no number, no such task, or hidden
 * @see fs/proc/base.c proc_pid_lookup()
 */
function lookup(caller: TaskStruct, root: Dentry, name: string): Dentry {
  const task = caller.kernel.findTask(nameToInt(name) ?? fail(ENOENT));
  if (task === null) fail(ENOENT);
  const { sb } = root.inode;
  if (procOptions(sb).hidepid === HIDEPID_NOT_PTRACEABLE) {
    if (!hasPidPermissions(sb, caller, task, HIDEPID_NO_ACCESS)) fail(ENOENT);
  }
  return pidDirectory(caller, root, task, name);
}

function pidDirectory(caller: TaskStruct, root: Dentry, task: TaskStruct, name: string): Dentry {
  const { threadPid } = task;
  const kept = threadPid.procDir as Dentry | null;
  if (kept?.parent === root && pidRevalidate(caller, kept.inode)) return kept;
  const inode = procPidMakeInode(root.inode.sb, task, {
    mode: S_IFDIR | 0o555,
    iops: tgidInodeOperations,
    fops: tgidFileOperations,
  });
  inode.nlink = pidEntryNlink(tgidBaseStuff);
  inode.immutable = true;
  const dentry = new Dentry(name, root, inode);
  threadPid.procDir = dentry;
  return dentry;
}

/** Processes by rising number, not their other threads; hidden ones are left out (K-004, K-007). */
function* iterate(caller: TaskStruct, file: File): Generator<DirEntry, void, void> {
  const root = file.path.dentry;
  for (const { name, inode } of root.children.values()) {
    yield { name, ino: inode.ino, type: fsUmodeToDtype(inode.mode) };
  }
  for (const task of caller.kernel.tasks()) {
    if (!task.isLeader) continue;
    if (!hasPidPermissions(root.inode.sb, caller, task, HIDEPID_INVISIBLE)) continue;
    const name = String(task.pid);
    const { inode } = pidDirectory(caller, root, task, name);
    const stands = (): boolean => task.threadPid.task === task;
    yield { name, ino: inode.ino, type: fsUmodeToDtype(inode.mode), stands };
  }
}

export const rootInodeOperations: InodeOperations = {
  ...procDefInodeOperations,
  lookup,
  getattr(caller, _inode, stat) {
    stat.nlink = 4 + [...caller.kernel.tasks()].filter((task) => task.isLeader).length;
  },
};

export const rootDirOperations: FileOperations = {
  read: genericReadDir,
  llseek: genericFileLlseek,
  iterate,
  iterateResumes: () => true,
};

/**
 * A proc file system: what a machine mounts on /proc.
 * @see fs/proc/root.c proc_root
 */
export function createProcfs(vfs: Vfs, options: ProcOptions = {}): Dentry {
  const sb = vfs.newSuperBlock('proc', {
    blockSize: PROC_BLOCK_SIZE,
    maxBytes: MAX_NON_LFS,
    revalidate: procRevalidate,
  });
  setProcOptions(sb, options);
  const inode = new Inode(sb, S_IFDIR | 0o555, 0, 0, rootInodeOperations, rootDirOperations);
  const root = new Dentry('/', null, inode);
  rootEntries(root);
  selfLink(root, 'self', selfLinkOperations);
  selfLink(root, 'thread-self', threadSelfLinkOperations);
  return root;
}

/**
 * The number that a descriptor of a directory /proc/PID stands for where a pidfd is asked for; null
 * for any other file.
 * @see fs/proc/base.c tgid_pidfd_to_pid()
 */
export function tgidPidfdToPid(file: File): Pid | null {
  return file.fops === tgidFileOperations ? procInode(file.inode).pid : null;
}
