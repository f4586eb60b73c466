import { EACCES, ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import { dPath } from '../vfs/dentry.js';
import type { Dentry } from '../vfs/dentry.js';
import { genericReadDir } from '../vfs/directory.js';
import type { DirEntry, File, FileOperations } from '../vfs/file.js';
import { fsOf } from '../vfs/fs-struct.js';
import type { Inode, InodeOperations, LinkTarget } from '../vfs/inode.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { fsUmodeToDtype, S_IFDIR, S_IFLNK, S_IFREG } from '../vfs/mode.js';
import { lookupOne } from '../vfs/namei.js';
import { singleFile } from '../vfs/seq-file.js';
import { pidGetattr, procOptions } from './hidepid.js';
import { getProcTask, procInstantiate, procSetattr, procTaskOf } from './proc-inode.js';

/** One line of the table of /proc/PID (struct pid_entry). */
export interface PidEntry {
  readonly name: string;
  readonly mode: number;
  readonly iops?: InodeOperations;
  readonly fops?: FileOperations;
}

/** A directory. */
export function dir(
  name: string,
  perm: number,
  iops: InodeOperations,
  fops: FileOperations,
): PidEntry {
  return { name, mode: S_IFDIR | perm, iops, fops };
}

/** A regular file with operations of its own. */
export function reg(name: string, perm: number, fops: FileOperations): PidEntry {
  return { name, mode: S_IFREG | perm, fops };
}

/**
 * A regular file that is one piece of text about a task, as a byte string. Opening it asks nothing;
 * reading it finds the task or ESRCH.
 */
export function one(
  name: string,
  perm: number,
  show: (task: TaskStruct, caller: TaskStruct, file: File) => string,
): PidEntry {
  const fops = singleFile((caller, file) => show(procTaskOf(file), caller, file));
  return { name, mode: S_IFREG | perm, fops };
}

/**
 * Where a link about a task leads. A path that is only text is walked like the text of an ordinary
 * link.
 * @throws {LinuxError} ENOENT: nowhere
 */
export type ProcGetLink = (inode: Inode, name: string) => LinkTarget;

/** A magic link: it leads to the place itself, whatever the text says. */
export function lnk(name: string, target: ProcGetLink): PidEntry {
  return { name, mode: S_IFLNK | 0o777, iops: procPidLinkOperations(target) };
}

/**
 * What a magic link about a task does: only who may READ-access the task sees where it leads
 * (K-056).
 * @throws {LinuxError} EACCES: may not, or the task is gone; what `target` throws
 * @see fs/proc/base.c proc_pid_get_link(), proc_pid_readlink()
 */
export function procPidLinkOperations(target: ProcGetLink): InodeOperations {
  const allowed = (caller: TaskStruct, inode: Inode): void => {
    const task = getProcTask(inode);
    if (task === null || !ptraceMayAccess(caller, task, PTRACE_MODE_READ_FSCREDS)) fail(EACCES);
  };
  return {
    getLink(caller, inode, dentry) {
      allowed(caller, inode);
      return target(inode, dentry.name);
    },
    readlink(caller, inode, dentry) {
      allowed(caller, inode);
      const to = target(inode, dentry.name);
      return typeof to === 'string' ? to : dPath(to, fsOf(caller).root);
    },
    setattr: procSetattr,
  };
}

/** The entries of a directory: the table, without what the mount leaves out of /proc/PID; those below it are whole. */
function entriesOf(parent: Dentry, table: () => readonly PidEntry[]): readonly PidEntry[] {
  const all = table();
  const { mem, entries } = procOptions(parent.inode.sb);
  if (mem && entries === null) return all;
  if (parent.name === 'attr' || parent.name === 'net') return all;
  return all.filter(({ name }) => (mem || name !== 'mem') && (entries?.includes(name) ?? true));
}

/**
 * Looks an entry up in a table. @throws {LinuxError} ENOENT (fs/proc/base.c proc_pident_lookup())
 */
function pidentLookup(table: () => readonly PidEntry[], parent: Dentry, name: string): Dentry {
  const task = getProcTask(parent.inode) ?? fail(ENOENT);
  const entry = entriesOf(parent, table).find((each) => each.name === name) ?? fail(ENOENT);
  return procInstantiate(parent, name, task, entry);
}

/** The inode operations of a directory whose entries are a table. */
export function pidentInodeOperations(table: () => readonly PidEntry[]): InodeOperations {
  return {
    lookup: (_caller, parent, name) => pidentLookup(table, parent, name),
    getattr: pidGetattr,
    setattr: procSetattr,
  };
}

/**
 * Lists names of a directory about a task, each looked up so that its inode number is the one stat
 * gives.
 */
export function* fillDirectory(
  caller: TaskStruct,
  file: File,
  names: Iterable<string>,
): Generator<DirEntry, void, void> {
  for (const name of names) {
    const inode = lookupOne(caller, file.path.dentry, name)?.inode;
    if (inode !== undefined) yield { name, ino: inode.ino, type: fsUmodeToDtype(inode.mode) };
  }
}

/**
 * The file operations of a directory whose entries are a table.
 * @throws {LinuxError} ENOENT from a listing: the task is gone
 * @see fs/proc/base.c proc_pident_readdir()
 */
export function pidentFileOperations(table: () => readonly PidEntry[]): FileOperations {
  return {
    read: genericReadDir,
    llseek: genericFileLlseek,
    iterate(caller, file) {
      if (getProcTask(file.inode) === null) fail(ENOENT);
      return fillDirectory(
        caller,
        file,
        entriesOf(file.path.dentry, table).map((entry) => entry.name),
      );
    },
  };
}
