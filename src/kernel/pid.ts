import { EAGAIN, EEXIST } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Sysctl } from './sysctl.js';
import type { TaskStruct } from './task.js';

/** After the first wrap numbers below this are not given again. */
const RESERVED_PIDS = 300;

/**
 * A process number in use. Files of /proc hold this rather than a task: after an exec by a second
 * thread it leads to the thread that took the number over, and after the reap to nobody (K-006),
 * even if the number is given again.
 * @see include/linux/pid.h, struct pid
 */
export class Pid {
  /** The number, 1 and up. */
  readonly nr: number;
  /** Whose thread id it is; null once that task is reaped. */
  task: TaskStruct | null = null;
  /** Users as thread id, process group and session: the number is free again at 0. */
  users = 0;

  constructor(nr: number) {
    this.nr = nr;
  }
}

/**
 * The process numbers of a machine: given in ascending order, again from 300 after a wrap.
 * @see kernel/pid.c, alloc_pid()
 */
export class PidTable {
  private readonly sysctl: Sysctl;
  private readonly pids = new Map<number, Pid>();
  private last = 0;

  constructor(sysctl: Sysctl) {
    this.sysctl = sysctl;
  }

  /**
   * Gives a task the next free number, or the wanted one.
   * @throws {LinuxError} EAGAIN: all numbers up to kernel.pid_max are in use
   * @throws {LinuxError} EEXIST: the wanted one is in use
   */
  alloc(task: TaskStruct, wanted: number | null = null): Pid {
    if (wanted !== null && this.pids.has(wanted)) fail(EEXIST);
    const max = this.sysctl.get('kernel.pid_max');
    const pid = new Pid(wanted ?? this.nextFree(max) ?? fail(EAGAIN));
    if (wanted === null) this.last = pid.nr;
    this.pids.set(pid.nr, pid);
    pid.task = task;
    pid.users = 1;
    return pid;
  }

  /** Has the next number be the first free one above `nr`: a write to kernel.ns_last_pid. */
  setLast(nr: number): void {
    this.last = Math.max(0, nr);
  }

  /** Numbers in use: threads, and groups and sessions that outlived theirs. */
  get count(): number {
    return this.pids.size;
  }

  /** Finds the number in use; a process group outlives its first task. */
  findPid(nr: number): Pid | null {
    return this.pids.get(nr) ?? null;
  }

  /** Finds a thread by its number, zombies included (find_task_by_vpid()). */
  findTask(nr: number): TaskStruct | null {
    return this.pids.get(nr)?.task ?? null;
  }

  /** Counts one more user of a number. */
  get(pid: Pid): Pid {
    pid.users++;
    return pid;
  }

  /** Drops a user; the last one frees the number. */
  put(pid: Pid): void {
    if (--pid.users === 0) this.pids.delete(pid.nr);
  }

  /** Walks all threads in ascending order of number, zombies included. */
  *tasks(): Generator<TaskStruct> {
    for (const nr of [...this.pids.keys()].sort((a, b) => a - b)) {
      const task = this.findTask(nr);
      if (task !== null) yield task;
    }
  }

  /**
   * The first free number after the last given, then from the lowest allowed (idr_alloc_cyclic()).
   */
  private nextFree(max: number): number | null {
    const lowest = this.last + 1 > RESERVED_PIDS ? RESERVED_PIDS : 1;
    for (let nr = this.last + 1; nr < max; nr++) if (!this.pids.has(nr)) return nr;
    for (let nr = lowest; nr <= Math.min(this.last, max - 1); nr++) {
      if (!this.pids.has(nr)) return nr;
    }
    return null;
  }
}
