import { makeCred } from '../kernel/cred.js';
import { doExitGroup } from '../kernel/exit.js';
import type { Kernel } from '../kernel/kernel.js';
import type { TaskStruct } from '../kernel/task.js';
import { spawnTask } from '../syscall/spawn.js';
import type { HostCaller } from './request.js';
import { IdMapping, type IdPairs } from './users.js';

/** What the host knows of one of its threads. */
export interface HostThread {
  /** The number of its process. */
  readonly tgid: number;
  /** Its name. */
  readonly comm: string;
}

/** How callers become tasks. */
export interface CallerOptions {
  /** Users of the host who are others in the machine (default: each has the same number). */
  readonly users?: IdPairs;
  readonly groups?: IdPairs;
  /**
   * Tells of a thread of the host; null when it is gone. By default each is taken for a process that
   * stays, and so is the task that acts for it.
   */
  readonly describe?: (pid: number) => HostThread | null;
  /** Whether tasks get the numbers of the host's processes where they are free (default true). */
  readonly sameNumbers?: boolean;
}

/** The task that stands for a process of the host, and for whom. */
interface Twin {
  readonly task: TaskStruct;
  readonly tgid: number;
}

const unknownThread = (pid: number): HostThread => ({ tgid: pid, comm: 'host' });

/** Twins after which those of processes that have gone are looked for. */
const SWEEP_AT = 64;

/**
 * The tasks that act for processes of the host: one each, made when it first asks for something, with
 * its name and, where it is free, its number, so that /proc/self is the caller. Its credentials are
 * those of the user and group that the kernel names; it names no supplementary groups.
 */
export class Callers {
  readonly users: IdMapping;
  readonly groups: IdMapping;
  readonly #kernel: Kernel;
  readonly #describe: (pid: number) => HostThread | null;
  readonly #sameNumbers: boolean;
  /** By thread and user: a process may change its user. */
  readonly #twins = new Map<string, Twin>();
  #sweepAt = SWEEP_AT;

  constructor(kernel: Kernel, options: CallerOptions = {}) {
    const { users, groups, describe = unknownThread, sameNumbers = true } = options;
    this.#kernel = kernel;
    this.users = new IdMapping(users);
    this.groups = new IdMapping(groups);
    this.#describe = describe;
    this.#sameNumbers = sameNumbers;
  }

  /** Tasks that stand for somebody. */
  get size(): number {
    return new Set([...this.#twins.values()].map(({ task }) => task)).size;
  }

  /**
   * The task of a caller.
   *
   * @throws {LinuxError} EAGAIN, ENOMEM: it cannot be made
   */
  taskOf(caller: HostCaller): TaskStruct {
    const known = this.#twins.get(keyOf(caller));
    if (known !== undefined && !known.task.exited) return known.task;
    if (this.#twins.size >= this.#sweepAt) {
      this.sweep();
      this.#sweepAt = Math.max(SWEEP_AT, 2 * this.#twins.size);
    }
    const { tgid, comm } = this.#describe(caller.pid) ?? unknownThread(caller.pid);
    const leader = { ...caller, pid: tgid };
    const same = this.#twins.get(keyOf(leader));
    const twin =
      same === undefined || same.task.exited
        ? { tgid, task: this.#spawn(leader, comm) }
        : { tgid, task: same.task };
    this.#twins.set(keyOf(leader), twin);
    this.#twins.set(keyOf(caller), twin);
    return twin.task;
  }

  /** Whether `name` is the number of the calling thread or of its process. */
  isNumberOf(caller: HostCaller, name: string): boolean {
    if (name === String(caller.pid)) return true;
    return name === String(this.#describe(caller.pid)?.tgid ?? caller.pid);
  }

  /** Ends the tasks of processes that have gone. */
  sweep(): void {
    for (const [key, { task, tgid }] of this.#twins) {
      if (!task.exited && this.#describe(tgid) !== null) continue;
      doExitGroup(task, 0);
      this.#twins.delete(key);
    }
  }

  /** Ends all. */
  release(): void {
    for (const { task } of this.#twins.values()) doExitGroup(task, 0);
    this.#twins.clear();
  }

  #spawn({ uid, gid, pid }: HostCaller, comm: string): TaskStruct {
    const kernel = this.#kernel;
    const cred = makeCred(kernel.initUserNs, {
      uid: this.users.toMachine(uid),
      gid: this.groups.toMachine(gid),
    });
    const fits = pid > 0 && pid < kernel.sysctl.get('kernel.pid_max');
    if (this.#sameNumbers && fits) kernel.pids.setLast(pid - 1);
    return spawnTask(kernel, { comm, cred });
  }
}

function keyOf({ uid, gid, pid }: HostCaller): string {
  return `${pid} ${uid} ${gid}`;
}
