import { EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_KILL, capable } from './capability.js';
import { receiver, sendSignal } from './deliver.js';
import type { Siginfo } from './siginfo.js';
import { makeSiginfo, SI_TKILL, SI_USER } from './siginfo.js';
import { SIGCONT, validSignal } from './signal.js';
import type { TaskStruct } from './task.js';
import { sameThreadGroup } from './task.js';

const INT_MIN = -0x80000000;

/** @see kernel/signal.c, kill_ok_by_cred() */
function killOkByCred(caller: TaskStruct, target: TaskStruct): boolean {
  const { cred } = caller;
  const tcred = target.cred;
  return (
    cred.euid === tcred.suid ||
    cred.euid === tcred.uid ||
    cred.uid === tcred.suid ||
    cred.uid === tcred.uid ||
    capable(caller, tcred.userNs, CAP_KILL)
  );
}

/**
 * Checks whether a task may send a signal, 0 included; SIGCONT goes to the whole session.
 * @throws {LinuxError} EINVAL: no such signal
 * @throws {LinuxError} EPERM: not permitted
 * @see kernel/signal.c, check_kill_permission()
 */
export function checkKillPermission(caller: TaskStruct, target: TaskStruct, signal: number): void {
  if (!validSignal(signal)) fail(EINVAL);
  if (!mayKill(caller, target, signal)) fail(EPERM);
}

function mayKill(caller: TaskStruct, target: TaskStruct, signal: number): boolean {
  const sameSession = signal === SIGCONT && caller.group.session === target.group.session;
  const own = sameThreadGroup(caller, target);
  if (!own && !killOkByCred(caller, target) && !sameSession) return false;
  return caller.kernel.security.taskKill(caller, target, signal) === 0;
}

function killOne(caller: TaskStruct, target: TaskStruct, signal: number): void {
  checkKillPermission(caller, target, signal);
  sendToProcess(target, signal, makeSiginfo(signal, SI_USER, caller));
}

/** Sends a signal to a process, without a check. */
export function sendToProcess(target: TaskStruct, signal: number, info: Siginfo): void {
  sendSignal(receiver(target), signal, { info, shared: true });
}

/** Sends to each of several it may send to, and counts those (group_send_sig_info()). */
function killMany(caller: TaskStruct, targets: readonly TaskStruct[], signal: number): number {
  if (targets.length === 0) fail(ESRCH);
  if (!validSignal(signal)) fail(EINVAL);
  const permitted = targets.filter((target) => mayKill(caller, target, signal));
  const info = makeSiginfo(signal, SI_USER, caller);
  for (const target of permitted) sendToProcess(target, signal, info);
  return permitted.length;
}

function leaders(caller: TaskStruct): TaskStruct[] {
  return [...caller.kernel.tasks()].filter((task) => task.isLeader);
}

/**
 * Sends a signal to a process (pid > 0), the caller's group (0), everybody but pid 1 and itself
 * (-1), or a group (-pgid). Signal 0 only asks.
 * @throws {LinuxError} ESRCH: nobody there
 * @throws {LinuxError} EINVAL: no such signal
 * @throws {LinuxError} EPERM: not permitted for any of them, but for -1
 * @see kernel/signal.c, kill_something_info()
 */
export function sysKill(caller: TaskStruct, pid: number, signal: number): void {
  if (pid > 0) {
    killOne(caller, caller.kernel.findTask(pid) ?? fail(ESRCH), signal);
  } else if (pid === INT_MIN) {
    fail(ESRCH);
  } else if (pid === -1) {
    const others = leaders(caller).filter((t) => t.pid > 1 && !sameThreadGroup(t, caller));
    // A refusal by every one of them is no error here.
    killMany(caller, others, signal);
  } else {
    const pgid = pid === 0 ? caller.group.pgid : -pid;
    const members = leaders(caller).filter((task) => task.group.pgid === pgid);
    if (killMany(caller, members, signal) === 0) fail(EPERM);
  }
}

/**
 * Sends a signal to one thread; `tgid` null is tkill, which does not name the process.
 * @throws {LinuxError} EINVAL: a number that is not positive, or no such signal
 * @throws {LinuxError} ESRCH: no such thread in that process
 * @throws {LinuxError} EPERM: not permitted
 * @see kernel/signal.c, do_tkill()
 */
export function sysTgkill(
  caller: TaskStruct,
  tgid: number | null,
  tid: number,
  signal: number,
): void {
  if (tid <= 0 || (tgid !== null && tgid <= 0)) fail(EINVAL);
  const target = caller.kernel.findTask(tid) ?? fail(ESRCH);
  if (tgid !== null && target.tgid !== tgid) fail(ESRCH);
  checkKillPermission(caller, target, signal);
  sendSignal(target, signal, { info: makeSiginfo(signal, SI_TKILL, caller) });
}
