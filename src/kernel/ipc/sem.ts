import {
  E2BIG,
  EAGAIN,
  EFBIG,
  EIDRM,
  EINVAL,
  ENOSPC,
  ERANGE,
  ERESTARTSYS,
} from '../../../assembly/abi/errno.js';
import { fail } from '../../errno.js';
import { endSleep, leaveQueue, timedOut, type Waiting } from '../sleep.js';
import type { TaskStruct } from '../task.js';
import {
  checkIpcPermission,
  IPC_NOWAIT,
  IpcIds,
  IpcObject,
  ipcSeconds,
  S_IRUGO,
  S_IWUGO,
} from './perm.js';

// include/uapi/linux/sem.h, as /proc/sys/kernel/sem has them.
export const SEMMSL = 32000;
export const SEMMNS = 1024000000;
export const SEMOPM = 500;
export const SEMMNI = 32000;
export const SEMVMX = 32767;
/** What an undo may come to. */
export const SEMAEM = SEMVMX;
const SEM_UNDO = 0o10000;

/** One operation of a semop(). */
export interface SemOp {
  readonly num: number;
  readonly op: number;
  readonly flags: number;
}

/** One semaphore. */
interface Sem {
  value: number;
  /** Number of the process that changed it last. */
  pid: number;
}

/** What is taken back of a set when a process ends (struct sem_undo). */
export interface SemUndo {
  readonly set: SemSet;
  /** By semaphore. */
  readonly adjust: number[];
}

/** The undos of a process, or of the tasks that share them with CLONE_SYSVSEM (struct sem_undo_list). */
export interface SemUndoList {
  users: number;
  undos: SemUndo[];
}

/** A semop() that waits (struct sem_queue). */
export class SemWait implements Waiting {
  readonly task: TaskStruct;
  readonly set: SemSet;
  readonly ops: readonly SemOp[];
  readonly undo: SemUndo | null;
  /** The operation that it waits for. */
  blocking: SemOp;
  /** What it answers, a negative errno or 0; null while it waits. */
  status: number | null = null;

  constructor(set: SemSet, attempt: SemAttempt, blocking: SemOp) {
    this.set = set;
    this.task = attempt.task;
    this.ops = attempt.ops;
    this.undo = attempt.undo;
    this.blocking = blocking;
    set.waits.push(this);
  }

  get woken(): boolean {
    return this.status !== null;
  }

  leave(): void {
    leaveQueue(this.set.waits, this);
  }

  /** Its call is over. */
  finish(status: number): void {
    this.leave();
    this.status = status;
  }
}

/** Who does what to a set. */
interface SemAttempt {
  readonly task: TaskStruct;
  readonly ops: readonly SemOp[];
  readonly undo: SemUndo | null;
}

const alters = ({ ops }: { readonly ops: readonly SemOp[] }): boolean =>
  ops.some(({ op }) => op !== 0);

/** A set of semaphores (struct sem_array). */
export class SemSet extends IpcObject {
  readonly sems: Sem[];
  /** Seconds since 1970 of the last operation; 0 for never. */
  otime = 0;
  /** Calls that wait, in the order they came. */
  readonly waits: SemWait[] = [];
  /** What processes would take back. */
  undos: SemUndo[] = [];

  constructor(
    task: TaskStruct,
    { id, key, flags }: { id: number; key: number; flags: number },
    count: number,
  ) {
    super(task, { id, key, mode: flags & 0o777 });
    this.sems = Array.from({ length: count }, () => ({ value: 0, pid: 0 }));
  }

  /** A semaphore. @throws {LinuxError} EINVAL: none of that number */
  sem(num: number): Sem {
    return this.sems[num] ?? fail(EINVAL);
  }

  /**
   * Does all operations, or none of them.
   *
   * @returns the operation that has to wait; null when all are done
   * @throws {LinuxError} ERANGE: a value or an undo beyond its limit; EAGAIN: it would wait with IPC_NOWAIT
   * @see ipc/sem.c, perform_atomic_semop()
   */
  perform({ task, ops, undo }: SemAttempt): SemOp | null {
    const values = new Map<number, number>();
    const adjust = new Map<number, number>();
    for (const each of ops) {
      const { num, op, flags } = each;
      const value = values.get(num) ?? this.sem(num).value;
      if ((op === 0 && value !== 0) || value + op < 0) {
        return (flags & IPC_NOWAIT) !== 0 ? fail(EAGAIN) : each;
      }
      if (value + op > SEMVMX) fail(ERANGE);
      if ((flags & SEM_UNDO) !== 0) {
        const left = (adjust.get(num) ?? undo?.adjust[num] ?? 0) - op;
        if (left < -SEMAEM - 1 || left > SEMAEM) fail(ERANGE);
        adjust.set(num, left);
      }
      values.set(num, value + op);
    }
    for (const [num, value] of values) this.sems[num] = { value, pid: task.tgid };
    if (undo !== null) for (const [num, left] of adjust) undo.adjust[num] = left;
    this.otime = ipcSeconds(task);
    return null;
  }

  /**
   * Has calls go on that can: first those that wait for zeros, then the others, and again after each that
   * changed something.
   *
   * @see ipc/sem.c, do_smart_update()
   */
  update(): void {
    let again = true;
    while (again) {
      again = false;
      const ordered = [...this.waits].sort((a, b) => Number(alters(a)) - Number(alters(b)));
      for (const wait of ordered) {
        if (!this.tryAgain(wait)) continue;
        again = alters(wait);
        if (again) break;
      }
    }
  }

  private tryAgain(wait: SemWait): boolean {
    const blocking = attempt(this, wait);
    if (typeof blocking === 'number') wait.finish(blocking);
    else wait.blocking = blocking;
    return blocking === 0;
  }

  /** How many calls wait for a semaphore to grow, or to be 0 (count_semcnt()). */
  countWaits(num: number, zero: boolean): number {
    return this.waits.filter(({ blocking: { num: at, op } }) => at === num && (op === 0) === zero)
      .length;
  }

  /** It is there no more: who waits hears of it, and nothing is taken back (freeary()). */
  free(): void {
    for (const undo of this.undos) undo.adjust.length = 0;
    this.undos = [];
    for (const wait of [...this.waits]) wait.finish(-EIDRM);
  }

  /** The values were set: nothing is taken back from before. */
  forgetUndos(num: number): void {
    for (const { adjust } of this.undos) adjust[num] = 0;
  }
}

/** Tries the operations of a call that waits: what it waits for, or its end. */
function attempt(set: SemSet, wait: SemWait): SemOp | number {
  try {
    return set.perform(wait) ?? 0;
  } catch (error) {
    return (error as { errno: number }).errno;
  }
}

/** The sets of a machine. */
export type SemSets = IpcIds<SemSet>;

/** The undo of a task's process for a set, made where there is none (find_alloc_undo()). */
function undoOf(task: TaskStruct, set: SemSet): SemUndo {
  const list = (task.semUndo ??= { users: 1, undos: [] });
  const known = list.undos.find((undo) => undo.set === set);
  if (known !== undefined) return known;
  const undo = { set, adjust: set.sems.map(() => 0) };
  list.undos.push(undo);
  set.undos.push(undo);
  return undo;
}

/**
 * Makes a set, or finds it.
 *
 * @throws {LinuxError} EINVAL: the number of semaphores; ENOSPC: too many; and what IpcIds.get() throws
 * @see ipc/sem.c, semget()
 */
export function semget(task: TaskStruct, key: number, count: number, flags: number): SemSet {
  if (count < 0 || count > SEMMSL) fail(EINVAL);
  const { sems } = task.kernel.ipc;
  return sems.get(task, key, flags, {
    make(id) {
      if (count === 0) fail(EINVAL);
      if (usedSems(sems) + count > SEMMNS) fail(ENOSPC);
      return new SemSet(task, { id, key, flags }, count);
    },
    fits: (set) => (count > set.sems.length ? fail(EINVAL) : undefined),
  });
}

/** Semaphores of all sets. */
export function usedSems(sets: SemSets): number {
  return sets.list().reduce((sum, set) => sum + set.sems.length, 0);
}

/**
 * Does operations on a set, all at once or later.
 *
 * @param ms how long it may wait, Infinity for ever
 * @returns 0, or -ERESTARTSYS while it waits
 * @throws {LinuxError} EINVAL: no set, no operations; E2BIG: too many; EFBIG: a semaphore that it has not; EACCES;
 * EAGAIN: IPC_NOWAIT, or too late; EIDRM: the set went; ERANGE
 * @see ipc/sem.c, __do_semtimedop()
 */
export function semop(task: TaskStruct, id: number, ops: readonly SemOp[], ms: number): number {
  const { waiting } = task;
  if (waiting instanceof SemWait && waiting.set.id === id) return waitOn(task, waiting, ms);
  endSleep(task);
  if (ops.length > SEMOPM) fail(E2BIG);
  if (ops.length < 1 || id < 0) fail(EINVAL);
  const set = task.kernel.ipc.sems.byId(id);
  if (ops.some(({ num }) => num >= set.sems.length)) fail(EFBIG);
  checkIpcPermission(task, set, alters({ ops }) ? S_IWUGO : S_IRUGO);
  const undo = ops.some(({ flags }) => (flags & SEM_UNDO) !== 0) ? undoOf(task, set) : null;
  const blocking = set.perform({ task, ops, undo });
  if (blocking === null) {
    if (alters({ ops })) set.update();
    return 0;
  }
  if (timedOut(task, 'semop', ms)) fail(EAGAIN);
  task.waiting = new SemWait(set, { task, ops, undo }, blocking);
  return -ERESTARTSYS;
}

function waitOn(task: TaskStruct, { status }: SemWait, ms: number): number {
  if (status === null) return timedOut(task, 'semop', ms) ? fail(EAGAIN) : -ERESTARTSYS;
  return status === 0 ? 0 : fail(-status);
}

/** A child that shares its parent's undos (copy_semundo()). */
export function shareSemUndo(parent: TaskStruct, child: TaskStruct): void {
  child.semUndo = parent.semUndo ??= { users: 1, undos: [] };
  child.semUndo.users += 1;
}

/**
 * A task ends, or goes its own way: what the last of those that share the undos did is taken back.
 *
 * @see ipc/sem.c, exit_sem()
 */
export function exitSem(task: TaskStruct): void {
  const list = task.semUndo;
  task.semUndo = null;
  if (list === null || --list.users > 0) return;
  for (const undo of list.undos) {
    const { set, adjust } = undo;
    set.undos = set.undos.filter((each) => each !== undo);
    adjust.forEach((by, num) => {
      const sem = set.sems[num];
      if (by === 0 || sem === undefined) return;
      set.sems[num] = { value: Math.min(Math.max(sem.value + by, 0), SEMVMX), pid: task.tgid };
    });
    set.otime = ipcSeconds(task);
    set.update();
  }
}
