import * as rlimit from '../kernel/rlimit.js';
import type { TaskStruct } from '../kernel/task.js';

/** The limits in the order of their numbers, with their units. */
const NAMES: readonly (readonly [number, string, string])[] = [
  [rlimit.RLIMIT_CPU, 'Max cpu time', 'seconds'],
  [rlimit.RLIMIT_FSIZE, 'Max file size', 'bytes'],
  [rlimit.RLIMIT_DATA, 'Max data size', 'bytes'],
  [rlimit.RLIMIT_STACK, 'Max stack size', 'bytes'],
  [rlimit.RLIMIT_CORE, 'Max core file size', 'bytes'],
  [rlimit.RLIMIT_RSS, 'Max resident set', 'bytes'],
  [rlimit.RLIMIT_NPROC, 'Max processes', 'processes'],
  [rlimit.RLIMIT_NOFILE, 'Max open files', 'files'],
  [rlimit.RLIMIT_MEMLOCK, 'Max locked memory', 'bytes'],
  [rlimit.RLIMIT_AS, 'Max address space', 'bytes'],
  [rlimit.RLIMIT_LOCKS, 'Max file locks', 'locks'],
  [rlimit.RLIMIT_SIGPENDING, 'Max pending signals', 'signals'],
  [rlimit.RLIMIT_MSGQUEUE, 'Max msgqueue size', 'bytes'],
  [rlimit.RLIMIT_NICE, 'Max nice priority', ''],
  [rlimit.RLIMIT_RTPRIO, 'Max realtime priority', ''],
  [rlimit.RLIMIT_RTTIME, 'Max realtime timeout', 'us'],
];

function shown(limit: bigint): string {
  return limit === rlimit.RLIM_INFINITY ? 'unlimited' : String(limit);
}

function line(name: string, soft: string, hard: string, unit: string): string {
  const ends = unit === '' ? '' : unit.padEnd(10);
  return `${name.padEnd(25)} ${soft.padEnd(20)} ${hard.padEnd(20)} ${ends}\n`;
}

/** /proc/PID/limits: a table of soft and hard limits (fs/proc/base.c proc_pid_limits()). */
export function showLimits(task: TaskStruct): string {
  const rows = NAMES.map(([resource, name, unit]) => {
    const { cur, max } = task.group.rlimits.get(resource);
    return line(name, shown(cur), shown(max), unit);
  });
  return line('Limit', 'Soft Limit', 'Hard Limit', 'Units') + rows.join('');
}
