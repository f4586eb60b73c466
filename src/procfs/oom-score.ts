import { getTaskMm } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';

/** Pages of the machine that badness is measured by: all that the core can address. */
const TOTAL_PAGES = 2 ** 20;
const OOM_SCORE_ADJ_MIN = -1000;

/**
 * /proc/PID/oom_score: 0 to 2000, how likely the out-of-memory killer chooses it.
 * @see fs/proc/base.c proc_oom_score(), mm/oom_kill.c oom_badness()
 */
export function showOomScore(task: TaskStruct): string {
  const { oomScoreAdj, unkillable } = task.group;
  const mm = task.group.threads.map(getTaskMm).find((each) => each !== null) ?? null;
  if (mm === null || unkillable || oomScoreAdj === OOM_SCORE_ADJ_MIN) return '0\n';
  const { rssAnon, rssFile, rssShmem, pgtablesBytes } = mm.counters();
  const used = rssAnon + rssFile + rssShmem + Math.floor(pgtablesBytes / 4096);
  const badness = used + oomScoreAdj * Math.floor(TOTAL_PAGES / 1000);
  const scaled = 1000 + Math.trunc((badness * 1000) / TOTAL_PAGES);
  return `${Math.trunc((scaled * 2) / 3)}\n`;
}
