import { EINVAL, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { checkKillPermission, sendToProcess, sysKill } from './kill.js';
import { sendSignal } from './deliver.js';
import type { Pid } from './pid.js';
import type { Siginfo } from './siginfo.js';
import { makeSiginfo, SI_TKILL, SI_USER, siginfoCode, siginfoSignal } from './siginfo.js';
import type { TaskStruct } from './task.js';

// include/uapi/linux/pidfd.h
export const PIDFD_SIGNAL_THREAD = 1;
export const PIDFD_SIGNAL_THREAD_GROUP = 2;
export const PIDFD_SIGNAL_PROCESS_GROUP = 4;

/** A signal as pidfd_send_signal() is given it. */
export interface PidfdSignal {
  readonly signal: number;
  /** What the receiver is told; null for what kill() tells. */
  readonly info: Siginfo | null;
  /** One of PIDFD_SIGNAL_*. */
  readonly kind: number;
}

/**
 * Sends a signal to the thread, process or process group of a number.
 * @throws {LinuxError} EINVAL: no such signal, or `info` is of another one
 * @throws {LinuxError} EPERM: not permitted, or `info` claims to come from the kernel or kill() and
 *   is for another task
 * @throws {LinuxError} ESRCH: nobody there
 * @see kernel/signal.c, SYSCALL_DEFINE4(pidfd_send_signal)
 */
export function pidfdSendSignal(caller: TaskStruct, pid: Pid, how: PidfdSignal): void {
  const { signal, info, kind } = how;
  if (info !== null) checkInfo(caller, pid, signal, info, kind);
  if (kind === PIDFD_SIGNAL_PROCESS_GROUP) return sysKill(caller, -pid.nr, signal);
  const target = pid.task ?? fail(ESRCH);
  checkKillPermission(caller, target, signal);
  const told = info ?? makeSiginfo(signal, SI_USER, caller);
  if (kind === PIDFD_SIGNAL_THREAD) sendSignal(target, signal, { info: told });
  else sendToProcess(target, signal, told);
}

/** Only to itself may a task send what it likes. */
function checkInfo(
  caller: TaskStruct,
  pid: Pid,
  signal: number,
  info: Siginfo,
  kind: number,
): void {
  if (siginfoSignal(info) !== signal) fail(EINVAL);
  const self = pid === caller.threadPid && kind !== PIDFD_SIGNAL_PROCESS_GROUP;
  const code = siginfoCode(info);
  if (!self && (code >= 0 || code === SI_TKILL)) fail(EPERM);
}
