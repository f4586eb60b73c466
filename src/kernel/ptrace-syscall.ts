import { ERESTARTSYS } from '../../assembly/abi/errno.js';
import { PTRACE_EVENT_SECCOMP } from './ptrace-abi.js';
import { ptraceStop } from './ptrace-stop.js';
import { makeSiginfo, siginfoCode } from './siginfo.js';
import { SIGTRAP } from './signal.js';
import type { TaskStruct } from './task.js';

// include/uapi/linux/ptrace.h
const PTRACE_O_TRACESYSGOOD = 1;
const PTRACE_EVENTMSG_SYSCALL_ENTRY = 1n;
const PTRACE_EVENTMSG_SYSCALL_EXIT = 2n;
/** What PTRACE_O_TRACESYSGOOD adds to the signal of such a stop. */
const SYSGOOD = 0x80;
/** Bytes of ecall: pc is at it while its call sleeps. */
const ECALL_SIZE = 4n;
const A0 = 10;
// Operations of struct ptrace_syscall_info.
const PTRACE_SYSCALL_INFO_NONE = 0;
const PTRACE_SYSCALL_INFO_ENTRY = 1;
const PTRACE_SYSCALL_INFO_EXIT = 2;
const PTRACE_SYSCALL_INFO_SECCOMP = 3;

/** @see include/linux/ptrace.h, ptrace_report_syscall() */
function report(task: TaskStruct, message: bigint): void {
  const { ptrace } = task;
  if (ptrace === null) return;
  const code = (ptrace.options & PTRACE_O_TRACESYSGOOD) !== 0 ? SIGTRAP | SYSGOOD : SIGTRAP;
  ptrace.message = message;
  ptraceStop(task, code, makeSiginfo(SIGTRAP, code, task), false);
  ptrace.atSyscall = true;
}

/**
 * Stops a task that is about to make a system call, where its tracer asked for that; false where not. The call
 * is made, with the registers as they are then, when the task is let go.
 */
export function stopAtSyscallEntry(task: TaskStruct): boolean {
  const { ptrace } = task;
  if (ptrace === null || !ptrace.syscalls) return false;
  task.entered = true;
  ptrace.inSyscall = true;
  report(task, PTRACE_EVENTMSG_SYSCALL_ENTRY);
  return true;
}

/** The same when a call is over, once; the other stops of the call come before it. */
export function stopAtSyscallExit(task: TaskStruct): boolean {
  const { ptrace } = task;
  if (ptrace === null || !ptrace.leaving || task.vforkWait !== null) return false;
  ptrace.leaving = false;
  ptrace.inSyscall = false;
  if (!ptrace.syscalls) return false;
  report(task, PTRACE_EVENTMSG_SYSCALL_EXIT);
  return true;
}

/** Which kind of such a stop a task is in (ptrace_get_syscall_info_op()). */
export function syscallInfoOp(task: TaskStruct): number {
  const { ptrace } = task;
  const code = ptrace?.info ? siginfoCode(ptrace.info) : 0;
  if (code === (SIGTRAP | (PTRACE_EVENT_SECCOMP << 8))) return PTRACE_SYSCALL_INFO_SECCOMP;
  const good = ((ptrace?.options ?? 0) & PTRACE_O_TRACESYSGOOD) !== 0;
  if (ptrace === null || !ptrace.atSyscall || !good) return PTRACE_SYSCALL_INFO_NONE;
  const entry = ptrace.message === PTRACE_EVENTMSG_SYSCALL_ENTRY;
  return entry ? PTRACE_SYSCALL_INFO_ENTRY : PTRACE_SYSCALL_INFO_EXIT;
}

/**
 * A call that sleeps is interrupted: its tracer sees it end with ERESTARTSYS before it sees why.
 *
 * @returns false where it does not look at calls
 */
export function stopInterrupted(task: TaskStruct): boolean {
  const { ptrace, hart } = task;
  if (ptrace === null || hart === null || !ptrace.syscalls || !ptrace.inSyscall) return false;
  task.interruptedArg = hart.x(A0);
  hart.setX(A0, BigInt(-ERESTARTSYS));
  hart.pc += ECALL_SIZE;
  ptrace.inSyscall = false;
  report(task, PTRACE_EVENTMSG_SYSCALL_EXIT);
  return true;
}

/** After that stop the registers are those from before the call again (arch_do_signal_or_restart()). */
export function backToSyscall(task: TaskStruct): void {
  const { hart, interruptedArg } = task;
  if (hart === null || interruptedArg === null) return;
  task.interruptedArg = null;
  hart.setX(A0, interruptedArg);
  hart.pc -= ECALL_SIZE;
}
