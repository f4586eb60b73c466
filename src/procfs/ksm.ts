import { getTaskMm } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';

/**
 * /proc/PID/ksm_merging_pages: no page is ever merged (fs/proc/base.c
 * proc_pid_ksm_merging_pages()).
 */
export function showKsmMergingPages(task: TaskStruct): string {
  return getTaskMm(task) === null ? '' : '0\n';
}

/** /proc/PID/ksm_stat (fs/proc/base.c proc_pid_ksm_stat()). */
export function showKsmStat(task: TaskStruct): string {
  if (getTaskMm(task) === null) return '';
  const counts = ['ksm_rmap_items', 'ksm_zero_pages', 'ksm_merging_pages', 'ksm_process_profit'];
  const lines = [...counts.map((name) => `${name} 0`), 'ksm_merge_any: no', 'ksm_mergeable: no'];
  return `${lines.join('\n')}\n`;
}
