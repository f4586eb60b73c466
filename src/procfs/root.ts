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
import type { SuperBlock } from '../vfs/super-block.js';
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
import { selfLink, selfText, threadSelfText } from './self.js';
import { pidEntryNlink } from './task.js';

export type { ProcOptions } from './hidepid.js';

/** Bytes a read of /proc should ask for. */
const PROC_BLOCK_SIZE = 1024;

const tgidInodeOperations: InodeOperations = {
  ...pidentInodeOperations(() => tgidBaseStuff),
  permission: procPidPermission,
  getattr: pidGetattr,
};
const tgidFileOperations = pidentFileOperations(() => tgidBaseStuff);

/** The root of one proc file system. */
class ProcRoot {
  private readonly sb: SuperBlock;
  readonly root: Dentry;

  constructor(vfs: Vfs, options: ProcOptions) {
    this.sb = vfs.newSuperBlock('proc', {
      blockSize: PROC_BLOCK_SIZE,
      maxBytes: MAX_NON_LFS,
      revalidate: (caller, dentry) => {
        const { inode, name } = dentry;
        return procInode(inode).revalidate(caller, inode, name);
      },
    });
    setProcOptions(this.sb, options);
    const iops: InodeOperations = {
      ...procDefInodeOperations,
      lookup: (caller, _dir, name) => this.lookup(caller, name),
      getattr: (_caller, _inode, stat) => {
        stat.nlink = 3 + [...vfs.kernel.tasks()].filter((task) => task.isLeader).length;
      },
    };
    const fops: FileOperations = {
      read: genericReadDir,
      llseek: genericFileLlseek,
      iterate: (caller, file) => this.iterate(caller, file),
      iterateResumes: () => true,
    };
    this.root = new Dentry('/', null, new Inode(this.sb, S_IFDIR | 0o555, 0, 0, iops, fops));
    rootEntries(this.root);
    selfLink(this.root, 'self', selfText);
    selfLink(this.root, 'thread-self', threadSelfText);
  }

  /**
   * The directory of a task, of a thread too (K-001, K-002, K-004).
   * @throws {LinuxError} ENOENT: no number, no such task, or hidden
   * @see fs/proc/base.c proc_pid_lookup()
   */
  private lookup(caller: TaskStruct, name: string): Dentry {
    const task = caller.kernel.findTask(nameToInt(name) ?? fail(ENOENT));
    if (task === null) fail(ENOENT);
    const { hidepid } = procOptions(this.sb);
    if (hidepid === HIDEPID_NOT_PTRACEABLE) {
      if (!hasPidPermissions(this.sb, caller, task, HIDEPID_NO_ACCESS)) fail(ENOENT);
    }
    return this.pidDirectory(caller, task, name);
  }

  private pidDirectory(caller: TaskStruct, task: TaskStruct, name: string): Dentry {
    const { threadPid } = task;
    const kept = threadPid.procDir as Dentry | null;
    if (kept?.inode.sb === this.sb && pidRevalidate(caller, kept.inode)) return kept;
    const inode = procPidMakeInode(this.sb, task, {
      mode: S_IFDIR | 0o555,
      iops: tgidInodeOperations,
      fops: tgidFileOperations,
    });
    inode.nlink = pidEntryNlink(tgidBaseStuff);
    inode.immutable = true;
    const dentry = new Dentry(name, this.root, inode);
    threadPid.procDir = dentry;
    return dentry;
  }

  /**
   * Processes by rising number, not their other threads; hidden ones are left out (K-004, K-007).
   */
  private *iterate(caller: TaskStruct, _file: File): Generator<DirEntry, void, void> {
    for (const { name, inode } of this.root.children.values()) {
      yield { name, ino: inode.ino, type: fsUmodeToDtype(inode.mode) };
    }
    for (const task of caller.kernel.tasks()) {
      if (!task.isLeader || !hasPidPermissions(this.sb, caller, task, HIDEPID_INVISIBLE)) continue;
      const name = String(task.pid);
      const { inode } = this.pidDirectory(caller, task, name);
      const stands = (): boolean => task.threadPid.task === task;
      yield { name, ino: inode.ino, type: fsUmodeToDtype(inode.mode), stands };
    }
  }
}

/**
 * A proc file system: what a machine mounts on /proc.
 * @see fs/proc/root.c proc_root
 */
export function createProcfs(vfs: Vfs, options: ProcOptions = {}): Dentry {
  return new ProcRoot(vfs, options).root;
}

/**
 * The number that a descriptor of a directory /proc/PID stands for where a pidfd is asked for; null
 * for any other file.
 * @see fs/proc/base.c tgid_pidfd_to_pid()
 */
export function tgidPidfdToPid(file: File): Pid | null {
  return file.fops === tgidFileOperations ? procInode(file.inode).pid : null;
}
