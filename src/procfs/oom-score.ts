import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { getTaskMm } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';

const OOM_SCORE_ADJ_MIN = -1000;

/**
 * /proc/PID/oom_score: 0 to 2000, how likely the out-of-memory killer chooses it.
 * @see fs/proc/base.c proc_oom_score(), mm/oom_kill.c oom_badness()
 */
export function showOomScore(task: TaskStruct): string {
  const { oomScoreAdj, unkillable } = task.group;
  const mm = [...task.group.threads].map(getTaskMm).find((each) => each !== null) ?? null;
  if (mm === null || unkillable || oomScoreAdj === OOM_SCORE_ADJ_MIN) return '0\n';
  const { rssAnon, rssFile, rssShmem, pgtablesBytes } = mm.counters();
  const used = rssAnon + rssFile + rssShmem + pgtablesBytes / PAGE_SIZE;
  const total = Math.floor(task.kernel.profile.totalRam / PAGE_SIZE);
  const badness = used + oomScoreAdj * Math.floor(total / 1000);
  const scaled = 1000 + Math.trunc((badness * 1000) / total);
  return `${Math.trunc((scaled * 2) / 3)}\n`;
}
