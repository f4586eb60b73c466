import { EINVAL, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { File } from './file.js';

// Who F_SETOWN_EX names: include/uapi/asm-generic/fcntl.h.
const F_OWNER_TID = 0;
const F_OWNER_PID = 1;
const F_OWNER_PGRP = 2;
/** Signals end here: _NSIG. */
const NSIG = 64;
const INT_MIN = -0x80000000;

/** Who would get SIGIO of a file (struct fown_struct). Nothing sends it; fcntl tells it. */
export interface FileOwner {
  /** F_OWNER_*. */
  readonly type: number;
  /** A thread, a process or a process group; 0 for nobody. */
  readonly pid: number;
}

/** No owner, and no signal other than SIGIO. */
export const NO_OWNER: FileOwner = { type: F_OWNER_TID, pid: 0 };

/** pid_task(): is there a task that has the number in that role? */
function isAlive(task: TaskStruct, { type, pid }: FileOwner): boolean {
  if (type === F_OWNER_TID) return task.kernel.findTask(pid) !== null;
  const inRole = ({ group, tgid }: TaskStruct): boolean =>
    (type === F_OWNER_PGRP ? group.pgid : tgid) === pid;
  return [...task.kernel.tasks()].some(inRole);
}

/** find_vpid(): does any task, process group or session have the number? */
function pidExists(task: TaskStruct, pid: number): boolean {
  if (task.kernel.findTask(pid) !== null) return true;
  return [...task.kernel.tasks()].some(({ group }) => group.pgid === pid || group.sid === pid);
}

/**
 * F_SETOWN_EX.
 * @throws {LinuxError} EINVAL: the type; ESRCH: nobody has the number
 * @see fs/fcntl.c f_setown_ex()
 */
export function setOwnerEx(task: TaskStruct, file: File, owner: FileOwner): void {
  if (![F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP].includes(owner.type)) fail(EINVAL);
  if (owner.pid !== 0 && !pidExists(task, owner.pid)) fail(ESRCH);
  file.owner = owner;
}

/** F_GETOWN_EX: the owner, with number 0 when it has gone (fs/fcntl.c f_getown_ex()). */
export function getOwnerEx(task: TaskStruct, file: File): FileOwner {
  const { owner } = file;
  return owner.pid !== 0 && isAlive(task, owner) ? owner : { ...owner, pid: 0 };
}

/**
 * F_SETOWN: a process, or a group as a negative number.
 * @throws {LinuxError} EINVAL: no group could have the number; ESRCH: nobody has it
 * @see fs/fcntl.c f_setown()
 */
export function setOwner(task: TaskStruct, file: File, who: number): void {
  if (who === INT_MIN) fail(EINVAL);
  setOwnerEx(task, file, { type: who < 0 ? F_OWNER_PGRP : F_OWNER_PID, pid: Math.abs(who) });
}

/** F_GETOWN (fs/fcntl.c f_getown()). */
export function getOwner(task: TaskStruct, file: File): number {
  const { type, pid } = getOwnerEx(task, file);
  return type === F_OWNER_PGRP ? -pid : pid;
}

/** F_SETSIG. @throws {LinuxError} EINVAL: no signal */
export function setOwnerSignal(file: File, signal: number): void {
  if (signal < 0 || signal > NSIG) fail(EINVAL);
  file.ownerSignal = signal;
}
