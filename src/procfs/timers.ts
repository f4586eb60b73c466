import { EACCES } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { type PosixTimer, SIGEV_THREAD_ID } from '../kernel/posix-timer.js';
import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import type { FileOperations } from '../vfs/file.js';
import { singleFile } from '../vfs/seq-file.js';
import { procTaskOf } from './proc-inode.js';

const NOTIFY = ['signal', 'none', 'thread'];

/** @see fs/proc/base.c show_timer() */
function show({ id, clock, event }: PosixTimer): string {
  const { notify, signal, value, target } = event;
  const kind = (notify & SIGEV_THREAD_ID) !== 0 ? 'tid' : 'pid';
  return (
    `ID: ${id}\nsignal: ${signal}/${value.toString(16).padStart(16, '0')}\n` +
    `notify: ${NOTIFY[notify & ~SIGEV_THREAD_ID]}/${kind}.${target.nr}\nClockID: ${clock}\n`
  );
}

/**
 * /proc/PID/timers: the POSIX timers, the last one made first. Opened by who may READ-access the task.
 * @throws {LinuxError} ESRCH: the task is gone; EACCES from open: may not
 * @see fs/proc/base.c proc_timers_operations
 */
export const timersOperations: FileOperations = singleFile(
  (_caller, file) => {
    const timers = procTaskOf(file).group.posixTimers?.byId.values() ?? [];
    return [...timers].reverse().map(show).join('');
  },
  {
    open(caller, file) {
      if (!ptraceMayAccess(caller, procTaskOf(file), PTRACE_MODE_READ_FSCREDS)) fail(EACCES);
    },
  },
);
