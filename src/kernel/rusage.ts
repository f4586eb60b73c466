import type { Kernel } from './kernel.js';
import type { TaskStruct, ThreadGroup } from './task.js';

/** Nanoseconds of a millisecond. */
const MS = 1e6;

/** What a thread, or the threads of a process that are gone, had (struct rusage). */
export class Rusage {
  /** Nanoseconds in user mode, and in calls. */
  utime = 0;
  stime = 0;
  /** How often the CPU went to another: because it slept, and although it could have gone on. */
  nvcsw = 0;
  nivcsw = 0;
  /** Page faults that found what they needed in memory, and those for which a file was read. */
  minflt = 0;
  majflt = 0;
  /** Most pages of memory that it had at once, of memory that it has left. */
  maxrss = 0;

  /** Adds what another one had. */
  add(other: Rusage): void {
    this.utime += other.utime;
    this.stime += other.stime;
    this.nvcsw += other.nvcsw;
    this.nivcsw += other.nivcsw;
    this.minflt += other.minflt;
    this.majflt += other.majflt;
    this.maxrss = Math.max(this.maxrss, other.maxrss);
  }

  /** Milliseconds in all. */
  get ms(): number {
    return (this.utime + this.stime) / MS;
  }
}

const NONE: Readonly<Rusage> = Object.freeze(new Rusage());

/** What the whole machine counts (struct kernel_cpustat, and fs/proc/stat.c). */
export interface CpuStat {
  /** Nanoseconds of threads in user mode, of those among them that are nice, and in calls. */
  user: number;
  nice: number;
  system: number;
  /** How often the CPU went from one thread to another, or to none. */
  switches: number;
  /** Tasks ever made. */
  forks: number;
  /** Page faults: those that found what they needed in memory, and those for which a file was read. */
  minflt: number;
  majflt: number;
}

/** A machine on which nothing has run. */
export function newCpuStat(): CpuStat {
  return { user: 0, nice: 0, system: 0, switches: 0, forks: 0, minflt: 0, majflt: 0 };
}

/** Who is on the CPU, where its time is that of the machine's clock. */
export interface OnCpu {
  /** Null between turns. */
  task: TaskStruct | null;
  /** Up to when it was charged, milliseconds of the kernel's time. */
  since: number;
  /** What it has done since then in user mode and in calls: its time is divided by these. */
  user: number;
  system: number;
}

/** A CPU that nobody has. */
export function newOnCpu(): OnCpu {
  return { task: null, since: 0, user: 0, system: 0 };
}

/** A thread gets the CPU (put_prev_task() and set_next_task()); null: nobody does. */
export function setCurr(kernel: Kernel, task: TaskStruct | null): void {
  updateCurr(kernel);
  const { onCpu } = kernel;
  onCpu.task = task;
  onCpu.user = 0;
  onCpu.system = 0;
  if (task !== null) onCpu.since = kernel.time();
}

/** A task is the one that acts from now on: faults are counted for it. */
export function actAs(task: TaskStruct): void {
  const { core } = task.kernel;
  if (core.current === task) return;
  accountFaults(task.kernel);
  core.exports.ranShort();
  core.current = task;
}

/** Charges the page faults since the last look to who acted (mm_account_fault()). */
function accountFaults({ core, cpuStat }: Kernel): void {
  const minor = core.exports.takeFaults(false);
  const major = core.exports.takeFaults(true);
  if (minor + major === 0) return;
  cpuStat.minflt += minor;
  cpuStat.majflt += major;
  // Nobody but tasks acts.
  const task = core.current as TaskStruct | null;
  if (task === null) return;
  const counts = (task.rusage ??= new Rusage());
  counts.minflt += minor;
  counts.majflt += major;
}

/** Charges who is on the CPU up to now (update_curr()). */
export function updateCurr(kernel: Kernel): void {
  accountFaults(kernel);
  const { onCpu } = kernel;
  const { task, user, system } = onCpu;
  if (task === null) return;
  const now = kernel.time();
  const ns = Math.max(Math.round((now - onCpu.since) * 1e6), 0);
  const inCalls = system === 0 ? 0 : Math.round((ns * system) / (user + system));
  accountTime(task, ns - inCalls, inCalls);
  onCpu.since = now;
  onCpu.user = 0;
  onCpu.system = 0;
}

/** Charges a thread nanoseconds in user mode and in calls (kernel/sched/cputime.c). */
export function accountTime(task: TaskStruct, user: number, system: number): void {
  const times = (task.rusage ??= new Rusage());
  times.utime += user;
  times.stime += system;
  const { cpuStat } = task.kernel;
  if (task.nice > 0) cpuStat.nice += user;
  else cpuStat.user += user;
  cpuStat.system += system;
}

/** The CPU goes from a thread to another, or to none. */
export function accountSwitch(task: TaskStruct, voluntary: boolean): void {
  const times = (task.rusage ??= new Rusage());
  if (voluntary) times.nvcsw += 1;
  else times.nivcsw += 1;
  task.kernel.cpuStat.switches += 1;
}

/** What a thread had. */
export function threadRusage(task: TaskStruct): Readonly<Rusage> {
  updateCurr(task.kernel);
  return task.rusage ?? NONE;
}

/** What the threads of a process had, those that are gone included (thread_group_cputime()). */
export function groupRusage(group: ThreadGroup): Rusage {
  updateCurr(group.leader.kernel);
  const sum = new Rusage();
  sum.add(group.exitedRusage ?? NONE);
  for (const { rusage } of group.threads) if (rusage !== null) sum.add(rusage);
  return sum;
}

/** What the processes had that a process has waited for, and those that they waited for. */
export function childrenRusage(group: ThreadGroup): Readonly<Rusage> {
  return group.childrenRusage ?? NONE;
}

/** A thread goes: what it had stays with its process (__exit_signal()). */
export function leaveRusage(task: TaskStruct): void {
  updateCurr(task.kernel);
  const { group, rusage } = task;
  if (rusage !== null) (group.exitedRusage ??= new Rusage()).add(rusage);
}

/** A process leaves memory of which it had so much at once (setmax_mm_hiwater_rss()). */
export function leaveMemory(group: ThreadGroup, pages: number): void {
  const rusage = (group.exitedRusage ??= new Rusage());
  rusage.maxrss = Math.max(rusage.maxrss, pages);
}

/** A process was waited for: what it had is its parent's now (wait_task_zombie()). */
export function inheritRusage(parent: ThreadGroup, child: ThreadGroup): void {
  const times = (parent.childrenRusage ??= new Rusage());
  times.add(groupRusage(child));
  times.add(childrenRusage(child));
}
