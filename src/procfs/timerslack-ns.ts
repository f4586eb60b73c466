import { EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_NICE, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import type { File, FileOperations } from '../vfs/file.js';
import { singleFile } from '../vfs/seq-file.js';
import { kstrto, textFromUser, ULONGLONG } from './kstrtox.js';
import { procTaskOf } from './proc-inode.js';

/** Bytes of a number looked at (lib/kstrtox.c, kstrtoull_from_user()). */
const MAX_BYTES = 66;

/**
 * Others' needs CAP_SYS_NICE in their namespace. @throws {LinuxError} ESRCH: the task is gone;
 * EPERM
 */
function accessible(caller: TaskStruct, file: File): TaskStruct {
  const task = procTaskOf(file);
  if (task !== caller && !capable(caller, task.cred.userNs, CAP_SYS_NICE)) fail(EPERM);
  return task;
}

/**
 * /proc/PID/timerslack_ns: how late timers may be; 0 gives the default back.
 * @see fs/proc/base.c proc_pid_set_timerslack_ns_operations
 */
export const timerslackNsOperations: FileOperations = singleFile(
  (caller, file) => `${accessible(caller, file).timerSlackNs}\n`,
  {
    writeStays: true,
    write(caller, file, buf) {
      const slack = kstrto(textFromUser(buf, MAX_BYTES), 10, ULONGLONG);
      const task = accessible(caller, file);
      task.timerSlackNs = slack === 0n ? task.defaultTimerSlackNs : slack;
      return buf.length;
    },
  },
);
