import { EACCES, EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { PTRACE_MODE_READ } from '../kernel/ptrace.js';
import type { FileOperations } from '../vfs/file.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { procMemOpen } from './mem-open.js';
import { reg } from './pid-entry.js';
import type { PidEntry } from './pid-entry.js';
import { getProcTask, procTaskOf } from './proc-inode.js';

/**
 * Security attributes: no module of this kernel has any, so reading and writing end in EINVAL,
 * after Linux's checks.
 * @see fs/proc/base.c proc_pid_attr_operations
 */
const attrOperations: FileOperations = {
  open(caller, file) {
    // A memory that may not be looked at leaves the file open, but not to be written.
    try {
      file.privateData = procMemOpen(caller, file.inode, PTRACE_MODE_READ);
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
    }
  },
  read(_caller, file) {
    procTaskOf(file);
    fail(EINVAL);
  },
  write(caller, file) {
    if (file.privateData !== caller.mm) fail(EPERM);
    const task = getProcTask(file.inode) ?? fail(ESRCH);
    fail(task === caller ? EINVAL : EACCES);
  },
  llseek: genericFileLlseek,
};

/** The entries of /proc/PID/attr (fs/proc/base.c attr_dir_stuff). */
export const attrDirStuff: readonly PidEntry[] = [
  reg('current', 0o666, attrOperations),
  reg('prev', 0o444, attrOperations),
  reg('exec', 0o666, attrOperations),
  reg('fscreate', 0o666, attrOperations),
  reg('keycreate', 0o666, attrOperations),
  reg('sockcreate', 0o666, attrOperations),
];
