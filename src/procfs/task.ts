import { ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { sameThreadGroup } from '../kernel/task.js';
import type { Dentry } from '../vfs/dentry.js';
import { genericReadDir } from '../vfs/directory.js';
import type { DirEntry, File, FileOperations } from '../vfs/file.js';
import type { InodeOperations } from '../vfs/inode.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { S_IFDIR } from '../vfs/mode.js';
import { procPidPermission } from './hidepid.js';
import { nameToInt } from './name-to-int.js';
import { fillDirectory, pidentFileOperations, pidentInodeOperations } from './pid-entry.js';
import type { PidEntry } from './pid-entry.js';
import { getProcTask, isAlive, procInstantiate, procSetattr } from './proc-inode.js';

/**
 * What the directories of threads do; their table is given by pid.ts, which also has this directory
 * in it.
 */
export interface TaskDirectory {
  /** What /proc/PID/task/TID does. */
  readonly tid: { readonly iops: InodeOperations; readonly fops: FileOperations };
  readonly iops: InodeOperations;
  readonly fops: FileOperations;
}

/**
 * Links a directory has: itself, its name, and each directory in it (fs/proc/base.c
 * pid_entry_nlink()).
 */
export function pidEntryNlink(entries: readonly PidEntry[]): number {
  return 2 + entries.filter((entry) => (entry.mode & S_IFDIR) !== 0).length;
}

/**
 * /proc/PID/task: a directory for each thread of the process, by its number (K-005).
 * @param table what each has in it
 * @see fs/proc/base.c proc_task_inode_operations, proc_task_operations
 */
export function taskDirectory(table: () => readonly PidEntry[]): TaskDirectory {
  const tidIops = pidentInodeOperations(table);
  const tidFops = pidentFileOperations(table);

  /** fs/proc/base.c proc_task_lookup() */
  const lookup = (_caller: TaskStruct, dir: Dentry, name: string): Dentry => {
    const leader = getProcTask(dir.inode) ?? fail(ENOENT);
    const task = leader.kernel.findTask(nameToInt(name) ?? fail(ENOENT));
    if (task === null || !sameThreadGroup(leader, task)) fail(ENOENT);
    const init = { mode: S_IFDIR | 0o555, iops: tidIops, fops: tidFops };
    const dentry = procInstantiate(dir, name, task, init);
    dentry.inode.nlink = pidEntryNlink(table());
    dentry.inode.immutable = true;
    return dentry;
  };

  /** fs/proc/base.c proc_task_readdir() */
  const iterate = (caller: TaskStruct, file: File): Iterable<DirEntry> => {
    const task = getProcTask(file.inode) ?? fail(ENOENT);
    const tids = Array.from(task.group.threads, (thread) => String(thread.pid));
    return fillDirectory(caller, file, tids);
  };

  return {
    tid: { iops: tidIops, fops: tidFops },
    iops: {
      lookup,
      permission: procPidPermission,
      setattr: procSetattr,
      getattr(_caller, inode, stat) {
        stat.nlink += getProcTask(inode)?.group.threads.length ?? 0;
      },
    },
    fops: { read: genericReadDir, llseek: genericFileLlseek, iterate, iterateResumes: isAlive },
  };
}
