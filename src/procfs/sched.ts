import { threadRusage } from '../kernel/rusage.js';
import type { TaskStruct } from '../kernel/task.js';
import type { FileOperations } from '../vfs/file.js';
import { singleFile } from '../vfs/seq-file.js';
import { procTaskOf } from './proc-inode.js';

const RULE = '-'.repeat(67);
/** What a task of nice value 0 weighs, scaled (NICE_0_LOAD), and its share of time, ns. */
const NICE_0_LOAD = 1048576;
const SLICE_NS = 700000;

/** Nanoseconds are shown as milliseconds with six digits after the point. */
const milliseconds = (ns: number): string => (ns / 1e6).toFixed(6);
const NO_TIME = milliseconds(0);

/** What the scheduler counts, in Linux's order: what a thread had, and the rest. */
function counts(task: TaskStruct): readonly (readonly [string, string | number])[] {
  const { utime, stime, nvcsw, nivcsw } = threadRusage(task);
  return [
    ['se.exec_start', NO_TIME],
    ['se.vruntime', NO_TIME],
    ['se.sum_exec_runtime', milliseconds(utime + stime)],
    ['se.nr_migrations', 0],
    ['nr_switches', nvcsw + nivcsw],
    ['nr_voluntary_switches', nvcsw],
    ['nr_involuntary_switches', nivcsw],
  ];
}

const FIELDS: readonly (readonly [string, string | number])[] = [
  ['se.load.weight', NICE_0_LOAD],
  ['se.avg.load_sum', 0],
  ['se.avg.runnable_sum', 0],
  ['se.avg.util_sum', 0],
  ['se.avg.load_avg', 0],
  ['se.avg.runnable_avg', 0],
  ['se.avg.util_avg', 0],
  ['se.avg.last_update_time', 0],
  ['se.avg.util_est', 0],
  ['policy', 0],
  ['prio', 120],
  ['se.slice', SLICE_NS],
  ['clock-delta', 0],
];

/** Where the pages of a memory should be; there is one node. */
const NUMA_FIELDS: readonly (readonly [string, string | number])[] = [
  ['mm->numa_scan_seq', 0],
  ['numa_pages_migrated', 0],
  ['numa_preferred_nid', -1],
  ['total_numa_faults', 0],
];
const NUMA_FAULTS = ['task_private', 'task_shared', 'group_private', 'group_shared'];

function line([label, value]: readonly [string, string | number]): string {
  return `${label.padEnd(45)}:${String(value).padStart(21)}\n`;
}

/** kernel/sched/debug.c proc_sched_show_task() */
function show(task: TaskStruct): string {
  const numa = [
    ...NUMA_FIELDS.map(line),
    'current_node=0, numa_group_id=0\n',
    `numa_faults node=0 ${NUMA_FAULTS.map((name) => `${name}=0`).join(' ')}\n`,
  ];
  return [
    `${task.comm} (${task.pid}, #threads: ${task.group.threads.length})\n${RULE}\n`,
    ...counts(task).map(line),
    ...FIELDS.map(line),
    ...(task.mm === null ? [] : numa),
  ].join('');
}

/**
 * /proc/PID/sched: what the scheduler knows. Every task is SCHED_OTHER. A write would set counts to 0
 * (fs/proc/base.c sched_write()).
 */
export const schedOperations: FileOperations = singleFile(
  (_caller, file) => show(procTaskOf(file)),
  {
    writeStays: true,
    write(_caller, file, buf) {
      procTaskOf(file);
      return buf.length;
    },
  },
);

/** /proc/PID/schedstat: time run, time waited, turns (fs/proc/base.c proc_pid_schedstat()). */
export function showSchedstat(task: TaskStruct): string {
  const { utime, stime, nvcsw, nivcsw } = threadRusage(task);
  const turns = nvcsw + nivcsw + Number(utime + stime > 0);
  return `${utime + stime} 0 ${turns}\n`;
}
