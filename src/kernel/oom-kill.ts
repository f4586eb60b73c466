import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { doExitGroup } from './exit.js';
import type { Kernel } from './kernel.js';
import type { MmStruct } from './mm-struct.js';
import { SIGKILL } from './signal.js';
import type { ThreadGroup } from './task.js';

const OOM_SCORE_ADJ_MIN = -1000;

/** The memory that a process uses, of whichever of its threads has it (find_lock_task_mm()). */
function memoryOf(group: ThreadGroup): MmStruct | null {
  return group.threads.find(({ mm }) => mm !== null)?.mm ?? null;
}

/** Pages of memory there are. */
export function totalPages({ profile, core }: Kernel): number {
  return Math.floor(Math.min(profile.totalRam, core.limitBytes) / PAGE_SIZE);
}

/**
 * How much would be won by killing a process: pages, moved by its oom_score_adj; null: it is not to be killed.
 * @see mm/oom_kill.c, oom_badness()
 */
export function oomBadness(group: ThreadGroup, total: number): number | null {
  const { oomScoreAdj, unkillable, leader } = group;
  const mm = memoryOf(group);
  if (mm === null || unkillable || oomScoreAdj === OOM_SCORE_ADJ_MIN) return null;
  // A child that borrows its parent's memory has none to give back.
  if (leader.vforkedBy !== null) return null;
  const { rssAnon, rssFile, rssShmem, pgtablesBytes } = mm.counters();
  const used = rssAnon + rssFile + rssShmem + pgtablesBytes / PAGE_SIZE;
  return used + oomScoreAdj * Math.floor(total / 1000);
}

/** The process that is worst; of equal ones the youngest (select_bad_process()). */
function selectBadProcess(kernel: Kernel): ThreadGroup | null {
  const total = totalPages(kernel);
  let worst: ThreadGroup | null = null;
  let most = -Infinity;
  for (const { isLeader, group } of kernel.tasks()) {
    const points = isLeader ? oomBadness(group, total) : null;
    if (points === null || points < most) continue;
    worst = group;
    most = points;
  }
  return worst;
}

/** What the kernel's log says of it (__oom_kill_process()). */
function describe({ leader, oomScoreAdj }: ThreadGroup, mm: MmStruct): string {
  const { totalVm, rssAnon, rssFile, rssShmem, pgtablesBytes } = mm.counters();
  const kb = (pages: number): string => `${(pages * PAGE_SIZE) / 1024}kB`;
  return (
    `Out of memory: Killed process ${leader.pid} (${leader.comm}) total-vm:${kb(totalVm)}, ` +
    `anon-rss:${kb(rssAnon)}, file-rss:${kb(rssFile)}, shmem-rss:${kb(rssShmem)}, ` +
    `UID:${leader.cred.uid} pgtables:${pgtablesBytes / 1024}kB oom_score_adj:${oomScoreAdj}`
  );
}

/**
 * Memory is used up: kills the process that uses most of it, and those that share its memory.
 *
 * @returns the line for the log; null: there is nobody who may be killed
 * @see mm/oom_kill.c, out_of_memory()
 */
export function outOfMemory(kernel: Kernel): string | null {
  const victim = selectBadProcess(kernel);
  const mm = victim === null ? null : memoryOf(victim);
  if (victim === null || mm === null) return null;
  const line = describe(victim, mm);
  const sharing = [...kernel.tasks()].filter((task) => task.mm === mm && !task.group.unkillable);
  doExitGroup(victim.leader, SIGKILL);
  for (const task of sharing) if (task.group !== victim) doExitGroup(task, SIGKILL);
  return line;
}
