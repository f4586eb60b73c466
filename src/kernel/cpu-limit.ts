import { sendToProcess } from './kill.js';
import { RLIMIT_CPU } from './rlimit.js';
import { doExitGroup } from './exit.js';
import { makeSiginfo, SI_KERNEL } from './siginfo.js';
import { SIGKILL, SIGXCPU } from './signal.js';
import type { TaskStruct } from './task.js';

/**
 * Holds a process to RLIMIT_CPU, seconds of CPU time: SIGXCPU at the soft limit, which then rises by a second,
 * and death at the hard one.
 * @see kernel/time/posix-cpu-timers.c, check_process_timers()
 */
export function checkCpuLimit(task: TaskStruct): void {
  const { group } = task;
  const soft = group.rlimits.soft(RLIMIT_CPU);
  if (soft === Infinity) return;
  const seconds = group.cpuTime() / 1000;
  if (seconds < soft) return;
  const { cur, max } = group.rlimits.get(RLIMIT_CPU);
  if (seconds >= Number(max)) return doExitGroup(task, SIGKILL);
  group.rlimits.set(RLIMIT_CPU, { cur: cur + 1n, max });
  sendToProcess(group.leader, SIGXCPU, makeSiginfo(SIGXCPU, SI_KERNEL));
}
