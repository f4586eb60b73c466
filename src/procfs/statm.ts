import { getTaskMm } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';

/**
 * /proc/PID/statm: sizes in pages; zeros without memory (K-032).
 * @see fs/proc/array.c proc_pid_statm(), fs/proc/task_mmu.c task_statm()
 */
export function showStatm(task: TaskStruct): string {
  const mm = getTaskMm(task);
  if (mm === null) return '0 0 0 0 0 0 0\n';
  const counters = mm.counters();
  const shared = counters.rssFile + counters.rssShmem;
  const text = Math.ceil(mm.endCode / 4096) - Math.floor(mm.startCode / 4096);
  const data = counters.dataVm + counters.stackVm;
  return `${counters.totalVm} ${shared + counters.rssAnon} ${shared} ${text} 0 ${data} 0\n`;
}
