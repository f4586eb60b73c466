import { ENOENT, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { inGroup } from '../kernel/cred.js';
import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Inode } from '../vfs/inode.js';
import { genericPermission } from '../vfs/permission.js';
import type { Kstat } from '../vfs/stat.js';
import type { SuperBlock } from '../vfs/super-block.js';
import { getProcTask, showOwner } from './proc-inode.js';
import { SideTable } from '../side-table.js';

const HIDEPID_OFF = 0;
/** The entries below another's /proc/PID are closed. */
export const HIDEPID_NO_ACCESS = 1;
/** Another's /proc/PID is not there. */
export const HIDEPID_INVISIBLE = 2;
/** Nor is that of anyone the caller may not trace, whatever the group. */
export const HIDEPID_NOT_PTRACEABLE = 4;

/** Mount options of a proc file system (struct proc_fs_info). */
export interface ProcOptions {
  /** Who sees whose processes (default 0: all). */
  readonly hidepid?: 0 | 1 | 2 | 4;
  /** kgid whose members hidepid 1 and 2 do not concern (default 0). */
  readonly gid?: number;
  /** Whether there is a mem file (default true); some sandboxes have a /proc without it. */
  readonly mem?: boolean;
  /** The names in directories of tasks (default null: all that Linux has). */
  readonly entries?: readonly string[] | null;
}

const optionsBySuper = new SideTable<SuperBlock, Required<ProcOptions>>(
  'proc options',
  'SuperBlock',
);

/** Keeps the mount options of a proc file system. */
export function setProcOptions(sb: SuperBlock, options: ProcOptions): void {
  optionsBySuper.set(sb, {
    hidepid: options.hidepid ?? HIDEPID_OFF,
    gid: options.gid ?? 0,
    mem: options.mem ?? true,
    entries: options.entries ?? null,
  });
}

/** The mount options of a proc file system. */
export function procOptions(sb: SuperBlock): Required<ProcOptions> {
  return optionsBySuper.get(sb) ?? { hidepid: HIDEPID_OFF, gid: 0, mem: true, entries: null };
}

/**
 * May the caller see a task, where the mount hides tasks from level `from` on (K-007)?
 * @see fs/proc/base.c has_pid_permissions()
 */
export function hasPidPermissions(
  sb: SuperBlock,
  caller: TaskStruct,
  task: TaskStruct,
  from: number,
): boolean {
  const { hidepid, gid } = procOptions(sb);
  if (hidepid !== HIDEPID_NOT_PTRACEABLE) {
    if (hidepid < from || inGroup(caller.cred, gid)) return true;
  }
  return ptraceMayAccess(caller, task, PTRACE_MODE_READ_FSCREDS);
}

/**
 * Searching /proc/PID or /proc/PID/task.
 * @throws {LinuxError} ESRCH: the task is gone (K-006); ENOENT, EPERM: hidden; EACCES
 * @see fs/proc/base.c proc_pid_permission()
 */
export function procPidPermission(caller: TaskStruct, inode: Inode, mask: number): void {
  const task = getProcTask(inode) ?? fail(ESRCH);
  if (!hasPidPermissions(inode.sb, caller, task, HIDEPID_NO_ACCESS)) {
    fail(procOptions(inode.sb).hidepid === HIDEPID_INVISIBLE ? ENOENT : EPERM);
  }
  genericPermission(caller, inode, mask);
}

/**
 * stat of a directory about a task: the owner is who it is now.
 * @throws {LinuxError} ENOENT: hidden
 * @see fs/proc/base.c pid_getattr()
 */
export function pidGetattr(caller: TaskStruct, inode: Inode, stat: Kstat): void {
  const task = getProcTask(inode);
  if (task !== null && !hasPidPermissions(inode.sb, caller, task, HIDEPID_INVISIBLE)) fail(ENOENT);
  showOwner(task, inode, stat);
}
