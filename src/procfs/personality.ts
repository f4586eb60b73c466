import type { TaskStruct } from '../kernel/task.js';
import { lockTrace } from './lock-trace.js';

/**
 * /proc/PID/personality. Read by who may ATTACH (K-613).
 * @throws {LinuxError} EPERM: may not
 * @see fs/proc/base.c proc_pid_personality()
 */
export function showPersonality(task: TaskStruct, caller: TaskStruct): string {
  lockTrace(caller, task);
  return `${task.personality.toString(16).padStart(8, '0')}\n`;
}
