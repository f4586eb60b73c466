import { oomBadness, totalPages } from '../kernel/oom-kill.js';
import type { TaskStruct } from '../kernel/task.js';

/**
 * /proc/PID/oom_score: 0 to 2000, how likely the out-of-memory killer chooses it.
 * @see fs/proc/base.c proc_oom_score()
 */
export function showOomScore({ group, kernel }: TaskStruct): string {
  const total = totalPages(kernel);
  const badness = oomBadness(group, total);
  if (badness === null) return '0\n';
  const scaled = 1000 + Math.trunc((badness * 1000) / total);
  return `${Math.trunc((scaled * 2) / 3)}\n`;
}
