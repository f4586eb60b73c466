import { EACCES } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';

/**
 * What threads have read and written. Each read asks for READ access anew (K-605, K-613).
 * @throws {LinuxError} EACCES: may not
 * @see fs/proc/base.c do_io_accounting()
 */
function show(task: TaskStruct, caller: TaskStruct, threads: readonly TaskStruct[]): string {
  if (!ptraceMayAccess(caller, task, PTRACE_MODE_READ_FSCREDS)) fail(EACCES);
  const sum = (of: (thread: TaskStruct) => number): number =>
    threads.reduce((total, thread) => total + of(thread), 0);
  return [
    `rchar: ${sum((thread) => thread.ioac.rchar)}\n`,
    `wchar: ${sum((thread) => thread.ioac.wchar)}\n`,
    `syscr: ${sum((thread) => thread.ioac.syscr)}\n`,
    `syscw: ${sum((thread) => thread.ioac.syscw)}\n`,
    // Nothing ever goes to or comes from a disk.
    'read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n',
  ].join('');
}

/** /proc/PID/io: of all threads (fs/proc/base.c proc_tgid_io_accounting()). */
export function showTgidIo(task: TaskStruct, caller: TaskStruct): string {
  return show(task, caller, [...task.group.threads]);
}

/** /proc/PID/task/TID/io: of one (fs/proc/base.c proc_tid_io_accounting()). */
export function showTidIo(task: TaskStruct, caller: TaskStruct): string {
  return show(task, caller, [task]);
}
