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
  /** What /proc keeps for it: the directory of the task (struct pid, inodes). */
  procDir: object | null = null;
  /** Users as thread id, process group and session: the number is free again at 0. */
  users = 0;

  constructor(nr: number) {
    this.nr = nr;
  }
}

/** Numbers a leaf of the table holds. */
const LEAF_SIZE = 1024;

/** A stretch of numbers. */
interface Leaf {
  readonly pids: (Pid | null)[];
  /** How many are in use: a full one is passed over in one step. */
  used: number;
}

const EMPTY_LEAF: Leaf = { pids: [], used: 0 };

/**
 * The process numbers of a machine: given in ascending order, again from 300 after a wrap.
 * @see kernel/pid.c, alloc_pid()
 */
export class PidTable {
  private readonly sysctl: Sysctl;
  /** By number / LEAF_SIZE; null where none of those numbers was ever in use. */
  private readonly leaves: (Leaf | null)[] = [];
  /** The number given last. */
  last = 0;

  constructor(sysctl: Sysctl) {
    this.sysctl = sysctl;
  }

  /**
   * Gives a task the next free number, or the wanted one.
   * @throws {LinuxError} EAGAIN: all numbers up to kernel.pid_max are in use
   * @throws {LinuxError} EEXIST: the wanted one is in use
   */
  alloc(task: TaskStruct, wanted: number | null = null): Pid {
    if (wanted !== null && this.findPid(wanted) !== null) fail(EEXIST);
    const max = this.sysctl.get('kernel.pid_max');
    const pid = new Pid(wanted ?? this.nextFree(max) ?? fail(EAGAIN));
    if (wanted === null) this.last = pid.nr;
    this.insert(pid);
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
    return this.leaves.reduce((sum, leaf) => sum + (leaf?.used ?? 0), 0);
  }

  /** Finds the number in use; a process group outlives its first task. */
  findPid(nr: number): Pid | null {
    return this.leaves[Math.floor(nr / LEAF_SIZE)]?.pids[nr % LEAF_SIZE] ?? null;
  }

  /** Finds a thread by its number, zombies included (find_task_by_vpid()). */
  findTask(nr: number): TaskStruct | null {
    return this.findPid(nr)?.task ?? null;
  }

  /** Counts one more user of a number. */
  get(pid: Pid): Pid {
    pid.users++;
    return pid;
  }

  /** Drops a user; the last one frees the number. */
  put(pid: Pid): void {
    if (--pid.users > 0) return;
    const leaf = this.leaves[Math.floor(pid.nr / LEAF_SIZE)];
    if (leaf == null) return;
    leaf.pids[pid.nr % LEAF_SIZE] = null;
    leaf.used -= 1;
  }

  /** Walks all threads in ascending order of number, zombies included. */
  *tasks(): Generator<TaskStruct> {
    for (let at = 0; at < this.leaves.length; at++) {
      const { pids, used } = this.leaves[at] ?? EMPTY_LEAF;
      if (used === 0) continue;
      for (let i = 0; i < LEAF_SIZE; i++) {
        const task = pids[i]?.task ?? null;
        if (task !== null) yield task;
      }
    }
  }

  private insert(pid: Pid): void {
    const at = Math.floor(pid.nr / LEAF_SIZE);
    while (this.leaves.length <= at) this.leaves.push(null);
    const leaf = (this.leaves[at] ??= { pids: new Array(LEAF_SIZE).fill(null), used: 0 });
    leaf.pids[pid.nr % LEAF_SIZE] = pid;
    leaf.used += 1;
  }

  /**
   * The first free number after the last given, then from the lowest allowed (idr_alloc_cyclic()).
   */
  private nextFree(max: number): number | null {
    const lowest = this.last + 1 > RESERVED_PIDS ? RESERVED_PIDS : 1;
    return (
      this.freeBetween(this.last + 1, max) ?? this.freeBetween(lowest, Math.min(this.last + 1, max))
    );
  }

  /** The lowest free number of [from, to), or null. */
  private freeBetween(from: number, to: number): number | null {
    for (let nr = from; nr < to;) {
      const leaf = this.leaves[Math.floor(nr / LEAF_SIZE)];
      if (leaf == null || leaf.pids[nr % LEAF_SIZE] === null) return nr;
      nr = leaf.used === LEAF_SIZE ? nr - (nr % LEAF_SIZE) + LEAF_SIZE : nr + 1;
    }
    return null;
  }
}
