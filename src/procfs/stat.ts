import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { getTaskMm, PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import { RLIMIT_RSS, RLIM_INFINITY } from '../kernel/rlimit.js';
import { childrenRusage, groupRusage, threadRusage } from '../kernel/rusage.js';
import { shownPriority } from '../kernel/sched-policy.js';
import { shownState } from '../kernel/task-state.js';
import type { TaskStruct } from '../kernel/task.js';

/** Milliseconds of a clock tick: USER_HZ is 100. */
const TICK_MS = 10;
/** Nanoseconds of one. */
const TICK_NS = 1e7;
/** Signals are shown as far as 31 bits go. */
const SHOWN_SIGNALS = 0x7fffffffn;
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

/** Fields 10 to 17: page faults, CPU time in ticks, and what children had that were waited for. */
function usage(task: TaskStruct, whole: boolean): readonly number[] {
  const own = whole ? groupRusage(task.group) : threadRusage(task);
  const children = childrenRusage(task.group);
  const times = [own.utime, own.stime, children.utime, children.stime];
  return [
    ...[own.minflt, children.minflt, own.majflt, children.majflt],
    ...times.map((ns) => Math.floor(ns / TICK_NS)),
  ];
}

/** Fields 31 to 34: signals that wait for the thread, are held back, ignored and caught. */
function signals({ pendingSignals, blocked, sighand }: TaskStruct): readonly bigint[] {
  const sets = [pendingSignals.mask, blocked, sighand.ignored, sighand.caught];
  return sets.map((set) => set & SHOWN_SIGNALS);
}

/** fs/proc/array.c do_task_stat() */
function show(task: TaskStruct, caller: TaskStruct, whole: boolean): string {
  const mm = getTaskMm(task);
  const { group } = task;
  const permitted = ptraceMayAccess(caller, task, PTRACE_MODE_READ_FSCREDS);
  const threads = group.threads.length;
  const state = shownState(task);
  const waits = permitted && (!whole || threads < 2) && state !== 'R';
  const fields: (string | number | bigint)[] = [
    task.pid,
    `(${task.comm})`,
    state,
    group.parent?.tgid ?? 0,
    group.pgid,
    group.sid,
    ...[group.tty === null ? 0 : group.tty.dev | 0, group.tty?.pgrp ?? -1], // tty_nr, tty_pgrp
    task.flags,
    ...usage(task, whole),
    ...[shownPriority(task), task.nice], // priority, nice
    threads,
    0, // it_real_value
    Math.floor(task.startTime / TICK_MS),
    ...sizes(task, mm),
    ...codeAndStack(mm, permitted),
    ...[0, 0], // esp, eip
    ...signals(task),
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
