import { receiver, sendSignal } from './deliver.js';
import { SA_NOCLDSTOP, SIG_IGN } from './sighand.js';
import { makeSiginfo, setChildStatus } from './siginfo.js';
import { SIGCHLD } from './signal.js';
import type { TaskStruct } from './task.js';

// si_code of SIGCHLD: include/uapi/asm-generic/siginfo.h
const CLD_EXITED = 1;
const CLD_KILLED = 2;
const CLD_DUMPED = 3;
export const CLD_TRAPPED = 4;
export const CLD_STOPPED = 5;
export const CLD_CONTINUED = 6;

/** How it ended, and its exit code or signal. */
function ending(code: number): { code: number; status: number } {
  if (code & 0x80) return { code: CLD_DUMPED, status: code & 0x7f };
  if (code & 0x7f) return { code: CLD_KILLED, status: code & 0x7f };
  return { code: CLD_EXITED, status: code >> 8 };
}

/**
 * Sends the one who waits for a zombie the signal it asked for; true when nobody will wait, because
 * SIGCHLD is ignored there.
 * @param parent its tracer, or else its parent
 * @param signal what it is to get: the exit signal, 0 for none
 * @see kernel/signal.c, do_notify_parent()
 */
export function doNotifyParent(
  task: TaskStruct,
  parent = task.parent,
  signal = task.exitSignal,
): boolean {
  if (parent === null) return true;
  const { sighand } = parent;
  const reaped = task.ptrace === null && signal === SIGCHLD && sighand.reapsChildren;
  const silent = reaped && sighand.action(SIGCHLD).handler === SIG_IGN;
  if (signal > 0 && !silent) {
    const { code, status } = ending(task.exitCode);
    const info = setChildStatus(makeSiginfo(signal, code, task), task.pid, status);
    sendSignal(receiver(parent), signal, { info, shared: true });
  }
  return reaped;
}

/**
 * Tells whoever waits for a task that it stopped or runs on: SIGCHLD, unless that is ignored there or
 * SA_NOCLDSTOP set.
 * @param parent who is told: the tracer at a stop for it, else the parent
 * @param status the signal of the stop, or SIGCONT
 * @see kernel/signal.c, do_notify_parent_cldstop()
 */
export function doNotifyParentCldstop(
  task: TaskStruct,
  parent: TaskStruct | null,
  code: number,
  status: number,
): void {
  if (parent === null) return;
  const { handler, flags } = parent.sighand.action(SIGCHLD);
  if (handler === SIG_IGN || flags & SA_NOCLDSTOP) return;
  const info = setChildStatus(makeSiginfo(SIGCHLD, code, task), task.pid, status & 0x7f);
  sendSignal(receiver(parent), SIGCHLD, { info, shared: true });
}
