import { EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { SUID_DUMP_USER } from '../kernel/mm-struct.js';
import type { Pid } from '../kernel/pid.js';
import type { TaskStruct } from '../kernel/task.js';
import { makeKgid, makeKuid } from '../kernel/userns.js';
import { setattrCopy, setattrPrepare } from '../vfs/attr.js';
import { Dentry } from '../vfs/dentry.js';
import type { File, FileOperations } from '../vfs/file.js';
import { Inode } from '../vfs/inode.js';
import type { Iattr, InodeOperations } from '../vfs/inode.js';
import { S_IFDIR_RXUGO, S_ISGID, S_ISUID } from '../vfs/mode.js';
import type { SuperBlock } from '../vfs/super-block.js';
import type { Kstat } from '../vfs/stat.js';

/** What an inode of /proc is about (struct proc_inode). */
export interface ProcInode {
  /** The task's number, which outlives the task. */
  readonly pid: Pid;
  /** The descriptor an entry of fd/ or fdinfo/ stands for. */
  readonly fd?: number;
  /** Whether the name still stands, and its owner brought up to date (d_revalidate). */
  readonly revalidate: (caller: TaskStruct, inode: Inode, name: string) => boolean;
}

/** An inode that is about no task, and whose name never goes. */
export const alwaysStands: Pick<ProcInode, 'revalidate'> = { revalidate: () => true };

/** What an inode of /proc is about. */
export function procInode(inode: Inode): ProcInode {
  return inode.privateData as ProcInode;
}

/** The task an inode is about; null once it is reaped (fs/proc/internal.h get_proc_task()). */
export function getProcTask(inode: Inode): TaskStruct | null {
  return procInode(inode).pid.task;
}

/** Whether the task an open directory is about is still there: a listing of it goes on. */
export function isAlive(file: File): boolean {
  return getProcTask(file.inode) !== null;
}

/**
 * The task an open file is about.
 * @throws {LinuxError} ESRCH: it is reaped
 */
export function procTaskOf(file: File): TaskStruct {
  return getProcTask(file.inode) ?? fail(ESRCH);
}

/**
 * Who owns an inode about a task: the effective ids, or, when the memory is not dumpable or gone, a
 * root (K-011 to K-014).
 * @param mode of the inode; directories that are exactly dr-xr-xr-x always have the effective ids
 *   (K-013)
 * @see fs/proc/base.c task_dump_owner()
 */
export function taskDumpOwner(task: TaskStruct, mode: number): { uid: number; gid: number } {
  if (task.isKthread) return { uid: 0, gid: 0 };
  const { euid, egid } = task.cred;
  if (mode === S_IFDIR_RXUGO) return { uid: euid, gid: egid };
  const { mm } = task;
  if (mm === null) return { uid: 0, gid: 0 };
  if (mm.dumpable === SUID_DUMP_USER) return { uid: euid, gid: egid };
  // The root of the namespace the memory belongs to, or else the global one.
  return {
    uid: Math.max(makeKuid(mm.userNs, 0), 0),
    gid: Math.max(makeKgid(mm.userNs, 0), 0),
  };
}

/** Brings the owner of an inode up to date (fs/proc/base.c pid_update_inode()). */
function pidUpdateInode(task: TaskStruct, inode: Inode): void {
  const { uid, gid } = taskDumpOwner(task, inode.mode);
  inode.uid = uid;
  inode.gid = gid;
  inode.mode &= ~(S_ISUID | S_ISGID);
}

/** A name about a task stands while the task does (fs/proc/base.c pid_revalidate()). */
export function pidRevalidate(_caller: TaskStruct, inode: Inode): boolean {
  const task = getProcTask(inode);
  if (task === null) return false;
  pidUpdateInode(task, inode);
  return true;
}

/**
 * Changes what may be changed of an inode of /proc: everything but the mode, and none of it lasts
 * (K-015).
 * @throws {LinuxError} EPERM: the mode, or not allowed
 * @see fs/proc/base.c proc_setattr()
 */
export function procSetattr(task: TaskStruct, inode: Inode, attr: Iattr): void {
  if (attr.mode !== undefined) fail(EPERM);
  setattrPrepare(task, inode, attr);
  setattrCopy(inode, attr);
}

/** What every inode of /proc does unless it says otherwise (proc_def_inode_operations). */
export const procDefInodeOperations: InodeOperations = { setattr: procSetattr };

/** What an inode about a task is made of. */
export interface ProcInodeInit {
  readonly mode: number;
  readonly iops?: InodeOperations;
  readonly fops?: FileOperations;
  readonly fd?: number;
  readonly revalidate?: ProcInode['revalidate'];
}

/** A file nobody opens: links. */
const noFileOperations: FileOperations = {};

/**
 * Makes an inode about a task, with its owner.
 * @see fs/proc/base.c proc_pid_make_inode()
 */
export function procPidMakeInode(sb: SuperBlock, task: TaskStruct, init: ProcInodeInit): Inode {
  const { mode, iops = procDefInodeOperations, fops = noFileOperations } = init;
  const inode = new Inode(sb, mode, 0, 0, iops, fops);
  const about: ProcInode = {
    pid: task.threadPid,
    revalidate: init.revalidate ?? pidRevalidate,
    ...(init.fd === undefined ? {} : { fd: init.fd }),
  };
  inode.privateData = about;
  pidUpdateInode(task, inode);
  return inode;
}

/** Hangs a new inode about a task below a directory. */
export function procInstantiate(
  dir: Dentry,
  name: string,
  task: TaskStruct,
  init: ProcInodeInit,
): Dentry {
  const dentry = new Dentry(name, dir, procPidMakeInode(dir.inode.sb, task, init));
  dir.setChild(name, dentry);
  return dentry;
}

/**
 * Shows the owner as it is now in stat of an entry whose name was not just walked (pid_getattr()'s
 * part).
 */
export function showOwner(task: TaskStruct | null, inode: Inode, stat: Kstat): void {
  const owner = task === null ? { uid: 0, gid: 0 } : taskDumpOwner(task, inode.mode);
  stat.uid = owner.uid;
  stat.gid = owner.gid;
}
