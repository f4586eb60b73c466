import type { FileOperations } from '../vfs/file.js';
import { singleFile } from '../vfs/seq-file.js';
import { procTaskOf } from './proc-inode.js';

const RULE = '-'.repeat(67);

function line(label: string, value: number): string {
  return `${label.padEnd(45)}:${String(value).padStart(21)}\n`;
}

/**
 * /proc/PID/sched: what the scheduler knows. This kernel has none: every task is SCHED_OTHER and
 * has used no time.
 * @see kernel/sched/debug.c proc_sched_show_task()
 */
export const schedOperations: FileOperations = singleFile(
  (_caller, file) => {
    const task = procTaskOf(file);
    const head = `${task.comm} (${task.pid}, #threads: ${task.group.threads.length})\n${RULE}\n`;
    return head + line('nr_switches', 0) + line('policy', 0) + line('prio', 120);
  },
  {
    write(_caller, file, buf) {
      procTaskOf(file);
      return buf.length;
    },
  },
);

/** /proc/PID/schedstat: time run, time waited, turns (fs/proc/base.c proc_pid_schedstat()). */
export function showSchedstat(): string {
  return '0 0 0\n';
}
