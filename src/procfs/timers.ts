import { EACCES } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import type { FileOperations } from '../vfs/file.js';
import { singleFile } from '../vfs/seq-file.js';
import { procTaskOf } from './proc-inode.js';

/**
 * /proc/PID/timers: the POSIX timers, of which this kernel has none. Opened by who may READ-access
 * the task.
 * @throws {LinuxError} ESRCH: the task is gone; EACCES from open: may not
 * @see fs/proc/base.c proc_timers_operations
 */
export const timersOperations: FileOperations = singleFile(
  (_caller, file) => {
    procTaskOf(file);
    return '';
  },
  {
    open(caller, file) {
      if (!ptraceMayAccess(caller, procTaskOf(file), PTRACE_MODE_READ_FSCREDS)) fail(EACCES);
    },
  },
);
