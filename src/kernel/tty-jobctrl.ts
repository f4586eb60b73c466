import { EIO, ENOTTY, EPERM, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_ADMIN, capable } from './capability.js';
import { sendToProcess } from './kill.js';
import type { Kernel } from './kernel.js';
import { SIG_IGN } from './sighand.js';
import { makeSiginfo, SI_KERNEL } from './siginfo.js';
import { SIGCONT, SIGHUP, SIGTTIN } from './signal.js';
import type { TaskStruct } from './task.js';
import { threadGroupEmpty } from './task.js';

/** The terminal that controls a session (the tty of struct signal_struct). */
export interface ControllingTty {
  /** Its device number, as user space encodes it. */
  readonly dev: number;
  /** The session it controls and the group in its foreground, by number; 0 without. */
  session: number;
  pgrp: number;
}

function leaders(kernel: Kernel): TaskStruct[] {
  return [...kernel.tasks()].filter((task) => task.isLeader);
}

/** Sends a signal of the kernel's to every process of a group (kill_pgrp()). */
export function killPgrp(kernel: Kernel, pgid: number, signal: number): void {
  if (pgid === 0) return;
  for (const leader of leaders(kernel)) {
    if (leader.group.pgid !== pgid) continue;
    sendToProcess(leader, signal, makeSiginfo(signal, SI_KERNEL));
  }
}

/**
 * Whether nobody of the session outside a group is the parent of one in it: nobody would continue it.
 * @param ignored whom not to count, as it is about to go
 * @see kernel/exit.c will_become_orphaned_pgrp()
 */
export function isOrphanedPgrp(task: TaskStruct, ignored: TaskStruct | null = null): boolean {
  const { kernel, group } = task;
  return !leaders(kernel).some((each) => {
    const parent = each.group.parent?.group;
    if (each === ignored || each.group.pgid !== group.pgid) return false;
    if (parent === undefined || parent === kernel.init.group) return false;
    if (each.exited && threadGroupEmpty(each)) return false;
    return parent.pgid !== group.pgid && parent.sid === each.group.sid;
  });
}

/**
 * A group that loses the last one who could continue it, while some of it are stopped, is told so. `parent` is who
 * leaves its child `task`; null: the task itself leaves.
 * @see kernel/exit.c kill_orphaned_pgrp()
 */
export function killOrphanedPgrp(task: TaskStruct, parent: TaskStruct | null): void {
  const { group, kernel } = task;
  const above = (parent ?? group.parent)?.group;
  if (above === undefined || above.pgid === group.pgid || above.sid !== group.sid) return;
  const members = leaders(kernel).filter((each) => each.group.pgid === group.pgid);
  if (!members.some((each) => each.group.stopSignal !== 0)) return;
  if (!isOrphanedPgrp(task, parent === null ? task : null)) return;
  killPgrp(kernel, group.pgid, SIGHUP);
  killPgrp(kernel, group.pgid, SIGCONT);
}

/** Whether a signal would do nothing to a task (is_ignored()). */
function isDeaf(task: TaskStruct, signal: number): boolean {
  const blocked = (task.blocked & (1n << BigInt(signal - 1))) !== 0n;
  return blocked || task.sighand.action(signal).handler === SIG_IGN;
}

/**
 * May the caller use its terminal so? One in the background is stopped instead.
 * @throws {LinuxError} EIO: in the background, and not to be stopped; ERESTARTSYS: it was sent the signal
 * @see drivers/tty/tty_jobctrl.c __tty_check_change()
 */
export function checkChange(task: TaskStruct, tty: ControllingTty, signal: number): void {
  const { group } = task;
  if (group.tty !== tty || tty.pgrp === 0 || group.pgid === tty.pgrp) return;
  if (isDeaf(task, signal)) {
    if (signal === SIGTTIN) fail(EIO);
    return;
  }
  if (isOrphanedPgrp(task)) fail(EIO);
  killPgrp(task.kernel, group.pgid, signal);
  fail(ERESTARTSYS);
}

/** Makes a terminal control the caller's session, its group in the foreground (__proc_set_tty()). */
export function procSetTty(task: TaskStruct, tty: ControllingTty): void {
  const { group } = task;
  tty.session = group.sid;
  tty.pgrp = group.pgid;
  group.tty = tty;
  group.ttyOldPgrp = 0;
}

/** Takes the terminal from every process of a session (session_clear_tty()). */
function sessionClearTty(kernel: Kernel, sid: number): void {
  for (const { group } of leaders(kernel)) if (group.sid === sid) group.tty = null;
}

/**
 * A session's leader takes a terminal; from another session only root does, and asks for it with `arg` 1.
 * @param readable whether it has the terminal open to read
 * @throws {LinuxError} EPERM: not a leader, it has one, another session has this one, or not open to read
 * @see drivers/tty/tty_jobctrl.c tiocsctty()
 */
export function takeControllingTty(
  task: TaskStruct,
  tty: ControllingTty,
  arg: number,
  readable: boolean,
): void {
  const { sid, tgid } = task.group;
  const admin = (): boolean => capable(task, task.kernel.initUserNs, CAP_SYS_ADMIN);
  if (sid === tgid && tty.session === sid) return;
  if (sid !== tgid || task.group.tty !== null) fail(EPERM);
  if (tty.session !== 0) {
    if (arg !== 1 || !admin()) fail(EPERM);
    sessionClearTty(task.kernel, tty.session);
  }
  if (!readable && !admin()) fail(EPERM);
  procSetTty(task, tty);
}

/**
 * A session's leader leaves its terminal: the foreground is told, and nobody of the session has it any more.
 * @see drivers/tty/tty_jobctrl.c disassociate_ctty()
 */
export function disassociateCtty(task: TaskStruct, onExit: boolean): void {
  const { group, kernel } = task;
  if (group.sid !== group.tgid) return;
  const { tty } = group;
  if (tty === null) {
    const old = group.ttyOldPgrp;
    group.ttyOldPgrp = 0;
    if (!onExit || old === 0) return;
    killPgrp(kernel, old, SIGHUP);
    killPgrp(kernel, old, SIGCONT);
    return;
  }
  const { pgrp } = tty;
  tty.session = 0;
  tty.pgrp = 0;
  sessionClearTty(kernel, group.sid);
  killPgrp(kernel, pgrp, SIGHUP);
  if (!onExit) killPgrp(kernel, pgrp, SIGCONT);
}

/**
 * Gives the controlling terminal up.
 * @throws {LinuxError} ENOTTY: it is not the caller's
 */
export function leaveTty(task: TaskStruct, tty: ControllingTty): void {
  if (task.group.tty !== tty) fail(ENOTTY);
  disassociateCtty(task, false);
  task.group.tty = null;
}

/**
 * The terminal is gone: the session's leader is told, and nobody has it any more.
 * @see drivers/tty/tty_jobctrl.c tty_signal_session_leader()
 */
export function signalSessionLeader(kernel: Kernel, tty: ControllingTty): void {
  const { session, pgrp } = tty;
  tty.session = 0;
  tty.pgrp = 0;
  if (session === 0) return;
  for (const leader of leaders(kernel)) {
    const { group } = leader;
    if (group.sid !== session) continue;
    if (group.tty === tty) group.tty = null;
    if (group.sid !== group.tgid) continue;
    group.ttyOldPgrp = pgrp;
    sendToProcess(leader, SIGHUP, makeSiginfo(SIGHUP, SI_KERNEL));
    sendToProcess(leader, SIGCONT, makeSiginfo(SIGCONT, SI_KERNEL));
  }
}
