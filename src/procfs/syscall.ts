import type { TaskStruct } from '../kernel/task.js';
import { lockTrace } from './lock-trace.js';

/**
 * /proc/PID/syscall: which call a task is in. Between the calls of this kernel, which never block,
 * a task is in none and may run at any time; the task that reads is inside its read. Read by who
 * may ATTACH (K-613).
 * @throws {LinuxError} EPERM: may not
 * @see fs/proc/base.c proc_pid_syscall()
 */
export function showSyscall(task: TaskStruct, caller: TaskStruct): string {
  lockTrace(caller, task);
  return 'running\n';
}
