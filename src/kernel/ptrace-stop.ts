import { CLD_TRAPPED, doNotifyParentCldstop } from './notify.js';
import { PTRACE_EVENT_STOP } from './ptrace-abi.js';
import type { Siginfo } from './siginfo.js';
import { makeSiginfo, siginfoCode } from './siginfo.js';
import { SIGSTOP, SIGTRAP } from './signal.js';
import type { TaskStruct } from './task.js';

/**
 * Stops a traced task for its tracer, who sees `code` << 8 | 0x7f as its wait status.
 * @param info what PTRACE_GETSIGINFO gives; null for the group stop of a task that was not seized
 * @param delivery whether the stop is for a signal, which the tracer may then let through or change
 * @see kernel/signal.c, ptrace_stop()
 */
export function ptraceStop(
  tracee: TaskStruct,
  code: number,
  info: Siginfo | null,
  delivery: boolean,
): void {
  const { ptrace } = tracee;
  if (ptrace === null) return;
  ptrace.info = info;
  ptrace.delivery = delivery;
  ptrace.mayStop = delivery;
  // Whatever waited for the task to run is told by this stop.
  ptrace.trap = false;
  if (info !== null && siginfoCode(info) >> 8 === PTRACE_EVENT_STOP) ptrace.notify = false;
  tracee.state = 't';
  tracee.stopCode = (code << 8) | 0x7f;
  doNotifyParentCldstop(tracee, ptrace.tracer, CLD_TRAPPED, code);
}

/**
 * Stops a task at an event that its tracer asked for; false where nobody did.
 * @param message what PTRACE_GETEVENTMSG gives
 * @see include/linux/ptrace.h, ptrace_event()
 */
export function ptraceEvent(task: TaskStruct, event: number, message: number): boolean {
  const { ptrace } = task;
  if (ptrace === null || !(ptrace.options & (1 << event))) return false;
  ptrace.message = BigInt(message);
  notify(task, SIGTRAP, event);
  return true;
}

function notify(task: TaskStruct, signal: number, event: number): void {
  const code = signal | (event << 8);
  ptraceStop(task, code, makeSiginfo(signal, code, task), false);
}

/**
 * The stop a tracee owes for a group stop or PTRACE_INTERRUPT: an event if it was seized, else a
 * bare stop.
 * @see kernel/signal.c, do_jobctl_trap()
 */
export function jobctlTrap(tracee: TaskStruct): void {
  const { stopSignal } = tracee.group;
  if (tracee.ptrace?.seized) notify(tracee, stopSignal || SIGTRAP, PTRACE_EVENT_STOP);
  else ptraceStop(tracee, stopSignal || SIGSTOP, null, false);
}
