import { EAGAIN, EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_ADMIN, CAP_SYS_NICE, capable } from '../kernel/capability.js';
import { RLIMIT_NICE } from '../kernel/rlimit.js';
import type { TaskStruct } from '../kernel/task.js';
import type { FileOperations } from '../vfs/file.js';
import { singleFile } from '../vfs/seq-file.js';
import { INT, kstrto, strstrip, textFromUser } from './kstrtox.js';
import { procTaskOf } from './proc-inode.js';

/** Bytes of a number looked at: PROC_NUMBUF without its NUL. */
const MAX_BYTES = 12;
const MIN_NICE = -20;
const MAX_NICE = 19;
/** Milliseconds between two changes by whoever is not CAP_SYS_ADMIN: HZ / 10. */
const PAUSE = 100;

/** kernel/sched/syscalls.c can_nice() */
function canNice(caller: TaskStruct, nice: number): boolean {
  if (20 - nice <= caller.group.rlimits.soft(RLIMIT_NICE)) return true;
  return capable(caller, caller.kernel.initUserNs, CAP_SYS_NICE);
}

/**
 * Sets the weight that a session has on the CPU. The first session, which has no group, has none to set.
 * @throws {LinuxError} EINVAL: not -20 to 19, or the first session; EPERM: below 0 without the right;
 *   EAGAIN: too soon after the last
 * @see kernel/sched/autogroup.c proc_sched_autogroup_set_nice()
 */
function setNice(caller: TaskStruct, target: TaskStruct, nice: number): void {
  const { kernel } = caller;
  if (nice < MIN_NICE || nice > MAX_NICE) fail(EINVAL);
  if (nice < 0 && !canNice(caller, nice)) fail(EPERM);
  const now = kernel.time();
  const { autogroups } = kernel;
  if (!capable(caller, kernel.initUserNs, CAP_SYS_ADMIN) && now < autogroups.nextChange) {
    fail(EAGAIN);
  }
  autogroups.nextChange = now + PAUSE;
  const { autogroup } = target.group;
  if (autogroup === null) fail(EINVAL);
  autogroup.nice = nice;
}

/**
 * /proc/PID/autogroup: the scheduling group of the task's session, and its weight; empty for the first
 * session.
 * @throws {LinuxError} ESRCH: the task is gone; EFAULT; EINVAL: no number; and see setNice()
 * @see kernel/sched/autogroup.c proc_sched_autogroup_show_task(), fs/proc/base.c sched_autogroup_write()
 */
export const autogroupOperations: FileOperations = singleFile(
  (_caller, file) => {
    const { autogroup } = procTaskOf(file).group;
    return autogroup === null ? '' : `/autogroup-${autogroup.id} nice ${autogroup.nice}\n`;
  },
  {
    write(caller, file, buf) {
      const nice = Number(kstrto(strstrip(textFromUser(buf, MAX_BYTES)), 0, INT));
      setNice(caller, procTaskOf(file), nice);
      return buf.length;
    },
  },
);
