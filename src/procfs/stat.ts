import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { getTaskMm, PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import { RLIMIT_RSS, RLIM_INFINITY } from '../kernel/rlimit.js';
import { shownPriority } from '../kernel/sched-policy.js';
import type { TaskStruct } from '../kernel/task.js';

/** Milliseconds of a clock tick: USER_HZ is 100. */
const TICK_MS = 10;
/** RLIM_INFINITY as a number of 64 bits. */
const UNLIMITED = 2n ** 64n - 1n;

/** Fields 23 to 25: size in bytes, resident pages and their limit. */
function sizes(task: TaskStruct, mm: MmStruct | null): readonly (number | bigint)[] {
  const { cur } = task.group.rlimits.get(RLIMIT_RSS);
  const limit = cur === RLIM_INFINITY ? UNLIMITED : cur;
  if (mm === null) return [0, 0, limit];
  const { totalVm, rssAnon, rssFile, rssShmem } = mm.counters();
  return [totalVm * PAGE_SIZE, rssAnon + rssFile + rssShmem, limit];
}

/** Fields 26 to 28: code and stack; 1 1 0 for who may not see (K-604), zeros without memory. */
function codeAndStack(mm: MmStruct | null, permitted: boolean): readonly number[] {
  if (mm === null) return [0, 0, 0];
  return permitted ? [mm.startCode, mm.endCode, mm.startStack] : [1, 1, 0];
}

/** Fields 45 to 51: data, heap, arguments and environment. */
function areas(mm: MmStruct | null, permitted: boolean): readonly number[] {
  if (mm === null || !permitted) return [0, 0, 0, 0, 0, 0, 0];
  const { startData, endData, startBrk, argStart, argEnd, envStart, envEnd } = mm;
  return [startData, endData, startBrk, argStart, argEnd, envStart, envEnd];
}

/** The wait status field 52 shows: of the whole process while that is ending. */
function exitCode(task: TaskStruct, whole: boolean): number {
  return whole ? (task.group.groupExitCode ?? task.exitCode) : task.exitCode;
}

/** fs/proc/array.c do_task_stat() */
function show(task: TaskStruct, caller: TaskStruct, whole: boolean): string {
  const mm = getTaskMm(task);
  const { group } = task;
  const permitted = ptraceMayAccess(caller, task, PTRACE_MODE_READ_FSCREDS);
  const threads = group.threads.length;
  const waits = permitted && (!whole || threads < 2) && task.state !== 'R';
  const fields: (string | number | bigint)[] = [
    task.pid,
    `(${task.comm})`,
    task.state,
    group.parent?.tgid ?? 0,
    group.pgid,
    group.sid,
    ...[group.tty === null ? 0 : group.tty.dev | 0, group.tty?.pgrp ?? -1], // tty_nr, tty_pgrp
    task.flags,
    ...[0, 0, 0, 0], // min_flt, cmin_flt, maj_flt, cmaj_flt
    ...[0, 0, 0, 0], // utime, stime, cutime, cstime
    ...[shownPriority(task), task.nice], // priority, nice
    threads,
    0, // it_real_value
    Math.floor(task.startTime / TICK_MS),
    ...sizes(task, mm),
    ...codeAndStack(mm, permitted),
    ...[0, 0], // esp, eip
    ...[0, 0, 0, 0], // signals pending, blocked, ignored, caught
    Number(waits), // wchan
    ...[0, 0], // nswap, cnswap
    task.exitSignal,
    ...[0, task.sched.rtPriority, task.sched.policy], // processor, rt_priority, policy
    ...[0, 0, 0], // blkio_ticks, gtime, cgtime
    ...areas(mm, permitted),
    permitted ? exitCode(task, whole) : 0,
  ];
  return `${fields.join(' ')}\n`;
}

/** /proc/PID/stat: 52 fields about a process (K-604; fs/proc/array.c proc_tgid_stat()). */
export function showTgidStat(task: TaskStruct, caller: TaskStruct): string {
  return show(task, caller, true);
}

/** /proc/PID/task/TID/stat: about one thread (fs/proc/array.c proc_tid_stat()). */
export function showTidStat(task: TaskStruct, caller: TaskStruct): string {
  return show(task, caller, false);
}
