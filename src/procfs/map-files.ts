import { ENOENT, EPERM } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN, capable } from '../kernel/capability.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { getTaskMm, mmAccess, PTRACE_MODE_READ_FSCREDS } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import type { VmaInfo } from '../mm/mm.js';
import type { Dentry, Path } from '../vfs/dentry.js';
import { genericReadDir } from '../vfs/directory.js';
import { FMODE_READ, FMODE_WRITE } from '../vfs/file.js';
import type { DirEntry, File, FileOperations } from '../vfs/file.js';
import type { Inode, InodeOperations } from '../vfs/inode.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { S_IFLNK } from '../vfs/mode.js';
import { MAGIC_LINK_SIZE, procFdPermission } from './fd.js';
import { vmaFile } from './vma-text.js';
import { fillDirectory, procPidLinkOperations } from './pid-entry.js';
import { getProcTask, isAlive, procInstantiate, procSetattr, taskDumpOwner } from './proc-inode.js';

/** "START-END" in hexadecimal without leading zeros; capitals will do (K-610). */
const NAME = /^(0|[1-9a-fA-F][0-9a-fA-F]*)-([1-9a-fA-F][0-9a-fA-F]*)$/;

/** The mapping that is exactly what a name says (find_exact_vma()). */
function exactVma(mm: MmStruct, name: string): VmaInfo | null {
  const match = NAME.exec(name);
  if (match === null) return null;
  const start = parseInt(match[1] as string, 16);
  const vma = mm.findVma(start);
  const end = parseInt(match[2] as string, 16);
  return vma !== null && vma.start === start && vma.end === end ? vma : null;
}

/** The open file mapped where a name says. */
function mappedFile(task: TaskStruct, name: string): File | null {
  const mm = getTaskMm(task);
  const vma = mm === null ? null : exactVma(mm, name);
  return vma === null ? null : vmaFile(vma);
}

/**
 * @throws {LinuxError} ENOENT: nothing is mapped there any more (fs/proc/base.c
 *   map_files_get_link())
 */
function mapFilesLink(inode: Inode, name: string): Path {
  const task = getProcTask(inode) ?? fail(ENOENT);
  return (mappedFile(task, name) ?? fail(ENOENT)).path;
}

const links = procPidLinkOperations(mapFilesLink);

/**
 * Following a link goes past the directories above the file, so it is for the privileged only.
 * @throws {LinuxError} EPERM: neither CAP_SYS_ADMIN nor CAP_CHECKPOINT_RESTORE in the initial
 *   namespace
 * @see fs/proc/base.c proc_map_files_get_link()
 */
export const mapFilesLinkOperations: InodeOperations = {
  ...links,
  getLink(caller, inode, dentry) {
    const ns = caller.kernel.initUserNs;
    if (!capable(caller, ns, CAP_CHECKPOINT_RESTORE) && !capable(caller, ns, CAP_SYS_ADMIN)) {
      fail(EPERM);
    }
    return links.getLink?.(caller, inode, dentry) ?? fail(ENOENT);
  },
};

/**
 * A name stands while the caller may look and the mapping is there (fs/proc/base.c
 * map_files_d_revalidate()).
 */
export function mapFilesRevalidate(caller: TaskStruct, inode: Inode, name: string): boolean {
  const task = getProcTask(inode);
  if (task === null) return false;
  try {
    if (exactVma(mmAccess(caller, task, PTRACE_MODE_READ_FSCREDS), name) === null) return false;
  } catch (error) {
    if (error instanceof LinuxError) return false;
    throw error;
  }
  const { uid, gid } = taskDumpOwner(task, 0);
  inode.uid = uid;
  inode.gid = gid;
  return true;
}

/**
 * The link of a mapping.
 * @throws {LinuxError} ENOENT: the task is gone, no name of a mapping, or no such mapping of a
 *   file; ESRCH: no memory; EACCES: may not look
 * @see fs/proc/base.c proc_map_files_lookup()
 */
function lookup(caller: TaskStruct, dir: Dentry, name: string): Dentry {
  const task = getProcTask(dir.inode) ?? fail(ENOENT);
  if (!NAME.test(name)) fail(ENOENT);
  const vma = exactVma(mmAccess(caller, task, PTRACE_MODE_READ_FSCREDS), name);
  const file = (vma === null ? null : vmaFile(vma)) ?? fail(ENOENT);
  let mode = S_IFLNK;
  if ((file.mode & FMODE_READ) !== 0) mode |= 0o400;
  if ((file.mode & FMODE_WRITE) !== 0) mode |= 0o200;
  const dentry = procInstantiate(dir, name, task, {
    mode,
    iops: mapFilesLinkOperations,
    revalidate: mapFilesRevalidate,
  });
  dentry.inode.fixedSize = MAGIC_LINK_SIZE;
  return dentry;
}

/** The names of the mappings of files. @throws {LinuxError} EACCES: may not look */
function* namesOf(caller: TaskStruct, task: TaskStruct): Generator<string, void, void> {
  // A task without memory has an empty directory, whoever looks.
  if (getTaskMm(task) === null) return;
  for (const vma of mmAccess(caller, task, PTRACE_MODE_READ_FSCREDS).vmas()) {
    if (vmaFile(vma) !== null) yield `${vma.start.toString(16)}-${vma.end.toString(16)}`;
  }
}

/**
 * Lists the mappings. Only "." and ".." for who may not look: the refusal comes after them.
 * @throws {LinuxError} ENOENT: the task is gone; EACCES: may not look
 * @see fs/proc/base.c proc_map_files_readdir()
 */
function iterate(caller: TaskStruct, file: File): Iterable<DirEntry> {
  const task = getProcTask(file.inode) ?? fail(ENOENT);
  return fillDirectory(caller, file, namesOf(caller, task));
}

/**
 * /proc/PID/map_files as a directory to search (fs/proc/base.c proc_map_files_inode_operations).
 */
export const mapFilesInodeOperations: InodeOperations = {
  lookup,
  permission: procFdPermission,
  setattr: procSetattr,
};

/**
 * /proc/PID/map_files as a directory to list: mappings of files only (fs/proc/base.c
 * proc_map_files_operations).
 */
export const mapFilesOperations: FileOperations = {
  read: genericReadDir,
  llseek: genericFileLlseek,
  iterate,
  iterateResumes: isAlive,
};
