import { EINVAL, ERANGE, E2BIG } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import * as perm from '../kernel/ipc/perm.js';
import {
  SEMAEM,
  semget,
  SEMMNI,
  SEMMNS,
  SEMMSL,
  semop,
  type SemOp,
  SEMOPM,
  type SemSet,
  SEMVMX,
  usedSems,
} from '../kernel/ipc/sem.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, uint, writeUser } from './args.js';
import { encodePerm, setPerm } from './ipc-perm.js';
import { readTimespec } from './time.js';

// include/uapi/linux/sem.h
const GETPID = 11;
const GETVAL = 12;
const GETALL = 13;
const GETNCNT = 14;
const GETZCNT = 15;
const SETVAL = 16;
const SETALL = 17;
const SEM_STAT = 18;
const SEM_INFO = 19;
const SEM_STAT_ANY = 20;
/** Operations of one undo, and its size, as sysctl of old had them. */
const SEMUME = SEMOPM;
const SEMUSZ = 20;
/** sizeof(struct sembuf) */
const SEMBUF_SIZE = 6;

/**
 * Semaphores of System V.
 *
 * @param padded whether the times of struct semid64_ds have a word behind them each: on x86-64
 * @see ipc/sem.c
 */
export function semFamily(padded: boolean): SyscallFamily {
  return {
    semget: (task, key, count, flags) => semget(task, int(key), int(count), int(flags)).id,
    semop: (task, id, ops, count) => operate(task, int(id), ops, count, Infinity),
    semtimedop(task, id, ops, count, timeout) {
      const ms = timeout === 0 ? Infinity : readTimespec(task, timeout);
      return operate(task, int(id), ops, count, ms);
    },
    semctl: (task, id, num, command, arg) =>
      semctl(task, { id: int(id), num: int(num), command: int(command), arg, padded }),
  };
}

function operate(task: TaskStruct, id: number, addr: U64, count: U64, ms: number): number {
  if (uint(count) > SEMOPM) fail(E2BIG);
  if (uint(count) < 1) fail(EINVAL);
  const view = readUser(task, addr, uint(count) * SEMBUF_SIZE);
  const ops: SemOp[] = [];
  for (let at = 0; at < view.byteLength; at += SEMBUF_SIZE) {
    const [num, op] = [view.getUint16(at, true), view.getInt16(at + 2, true)];
    ops.push({ num, op, flags: view.getUint16(at + 4, true) });
  }
  return semop(task, id, ops, ms);
}

interface SemctlArgs {
  readonly id: number;
  readonly num: number;
  readonly command: number;
  readonly arg: U64;
  readonly padded: boolean;
}

/** @throws {LinuxError} EINVAL: no set, no semaphore, no command; EACCES, EPERM; ERANGE: a value; EFAULT */
function semctl(task: TaskStruct, args: SemctlArgs): number {
  const { id, command, arg, padded } = args;
  const { sems } = task.kernel.ipc;
  if (id < 0) fail(EINVAL);
  switch (command) {
    case perm.IPC_INFO:
    case SEM_INFO:
      return info(task, arg, command === SEM_INFO);
    case perm.IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY: {
      const set = command === perm.IPC_STAT ? sems.byId(id) : sems.bySlot(id);
      if (command !== SEM_STAT_ANY) perm.checkIpcPermission(task, set, perm.S_IRUGO);
      writeUser(task, arg, encodeSet(task, set, padded));
      return command === perm.IPC_STAT ? 0 : set.id;
    }
    case perm.IPC_SET: {
      const wanted = readUser(task, arg, setSize(padded));
      const set = sems.byId(id);
      setPerm(task, set, wanted);
      set.ctime = perm.ipcSeconds(task);
      return 0;
    }
    case perm.IPC_RMID: {
      const set = sems.byId(id);
      perm.checkIpcOwner(task, set);
      sems.remove(set);
      set.free();
      return 0;
    }
    case SETVAL:
      return setValue(task, args);
    default:
      return values(task, args);
  }
}

/** @see ipc/sem.c, semctl_setval() */
function setValue(task: TaskStruct, { id, num, arg }: SemctlArgs): number {
  const value = int(arg);
  if (value < 0 || value > SEMVMX) fail(ERANGE);
  const set = task.kernel.ipc.sems.byId(id);
  set.sem(num);
  perm.checkIpcPermission(task, set, perm.S_IWUGO);
  set.sems[num] = { value, pid: task.tgid };
  changed(task, set, [num]);
  return 0;
}

/** @see ipc/sem.c, semctl_main() */
function values(task: TaskStruct, { id, num, command, arg }: SemctlArgs): number {
  if (command < GETPID || command > SETALL) fail(EINVAL);
  const set = task.kernel.ipc.sems.byId(id);
  perm.checkIpcPermission(task, set, command === SETALL ? perm.S_IWUGO : perm.S_IRUGO);
  if (command === GETALL) {
    const all = Uint16Array.from(set.sems, ({ value }) => value);
    writeUser(task, arg, new Uint8Array(all.buffer));
    return 0;
  }
  if (command === SETALL) return setAll(task, set, arg);
  const { value, pid } = set.sem(num);
  if (command === GETVAL) return value;
  if (command === GETPID) return pid;
  return command === GETNCNT || command === GETZCNT
    ? set.countWaits(num, command === GETZCNT)
    : fail(EINVAL);
}

function setAll(task: TaskStruct, set: SemSet, arg: U64): number {
  const view = readUser(task, arg, 2 * set.sems.length);
  const wanted = set.sems.map((_, i) => view.getUint16(2 * i, true));
  if (wanted.some((value) => value > SEMVMX)) fail(ERANGE);
  for (const [i, value] of wanted.entries()) set.sems[i] = { value, pid: task.tgid };
  changed(task, set, wanted.keys());
  return 0;
}

/** Values were set: nobody takes back what was done before, and who waits may go on. */
function changed(task: TaskStruct, set: SemSet, nums: Iterable<number>): void {
  for (const num of nums) set.forgetUndos(num);
  set.ctime = perm.ipcSeconds(task);
  set.update();
}

/** sizeof(struct semid64_ds) */
const setSize = (padded: boolean): number => (padded ? 104 : 88);

/**
 *     struct semid64_ds   0 sem_perm   48 sem_otime   sem_ctime   sem_nsems   …
 */
function encodeSet(task: TaskStruct, set: SemSet, padded: boolean): DataView {
  const view = new DataView(new ArrayBuffer(setSize(padded)));
  const step = padded ? 16 : 8;
  encodePerm(task, set, view);
  view.setBigUint64(48, BigInt(set.otime), true);
  view.setBigUint64(48 + step, BigInt(set.ctime), true);
  view.setBigUint64(48 + 2 * step, BigInt(set.sems.length), true);
  return view;
}

/** struct seminfo: semmap, mni, mns, mnu, msl, opm, ume, usz, vmx, aem (ipc/sem.c, semctl_info()). */
function info(task: TaskStruct, addr: U64, inUse: boolean): number {
  const { sems } = task.kernel.ipc;
  const [usz, aem] = inUse ? [sems.slots.size, usedSems(sems)] : [SEMUSZ, SEMAEM];
  const limits = [SEMMNS, SEMMNI, SEMMNS, SEMMNS, SEMMSL, SEMOPM, SEMUME, usz, SEMVMX, aem];
  writeUser(task, addr, new Uint8Array(Int32Array.from(limits).buffer));
  return sems.maxSlot;
}
