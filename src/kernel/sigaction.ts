import { EINVAL, ENOMEM, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { deliverPending, receiver, sendSignal } from './deliver.js';
import { checkKillPermission } from './kill.js';
import type { SigAction, SignalStack } from './sighand.js';
import { NO_SIGNAL_STACK, SIG_IGN, SS_DISABLE, UAPI_SA_FLAGS, UNBLOCKABLE } from './sighand.js';
import type { Siginfo } from './siginfo.js';
import { SI_TKILL, siginfoCode } from './siginfo.js';
import { NSIG, SIGKILL, SIGSTOP } from './signal.js';
import type { TaskStruct } from './task.js';

export const SIG_BLOCK = 0;
export const SIG_UNBLOCK = 1;
export const SIG_SETMASK = 2;

// include/uapi/linux/signal.h
const SS_ONSTACK = 1;
const SS_AUTODISARM = 0x80000000;
/** MINSIGSTKSZ, bytes. */
const MIN_STACK = 2048n;

/**
 * Sets what happens at a signal, or only tells it; gives the old action. What becomes ignored no longer
 * waits.
 * @throws {LinuxError} EINVAL: no such signal, or an action for SIGKILL or SIGSTOP
 * @see kernel/signal.c, do_sigaction()
 */
export function doSigaction(task: TaskStruct, signal: number, action: SigAction | null): SigAction {
  const fixed = action !== null && (signal === SIGKILL || signal === SIGSTOP);
  if (signal < 1 || signal > NSIG || fixed) fail(EINVAL);
  const old = task.sighand.action(signal);
  if (action === null) return old;
  const { handler, restorer } = action;
  const mask = action.mask & ~UNBLOCKABLE;
  task.sighand.set(signal, { handler, restorer, mask, flags: action.flags & UAPI_SA_FLAGS });
  if (task.sighand.ignores(signal)) flush(task, signal);
  else if (old.handler === SIG_IGN) {
    for (const timer of task.group.posixTimers?.byId.values() ?? []) timer.unignore(signal);
  }
  for (const thread of [...task.group.threads]) deliverPending(thread);
  return old;
}

function flush(task: TaskStruct, signal: number): void {
  const only = new Set([signal]);
  task.group.sharedPending.flush(only);
  for (const thread of task.group.threads) thread.pendingSignals.flush(only);
}

/**
 * Changes the signals a task holds back; what is let through then is delivered.
 * @throws {LinuxError} EINVAL: no such way to change them
 * @see kernel/signal.c, sigprocmask()
 */
export function sigprocmask(task: TaskStruct, how: number, signals: bigint): void {
  const set = signals & ~UNBLOCKABLE;
  if (how === SIG_BLOCK) task.blocked |= set;
  else if (how === SIG_UNBLOCK) task.blocked &= ~set;
  else if (how === SIG_SETMASK) task.blocked = set;
  else fail(EINVAL);
  deliverPending(task);
}

/** Signals that wait and are held back (kernel/signal.c, do_sigpending()). */
export function sigpending(task: TaskStruct): bigint {
  return (task.pendingSignals.mask | task.group.sharedPending.mask) & task.blocked;
}

/**
 * Sets the stack for handlers. No handler runs on it while a call is made, as far as the kernel knows:
 * whoever runs them tells by `sp`, the caller's stack pointer.
 * @throws {LinuxError} EPERM: the caller runs on the present one; EINVAL: flags; ENOMEM: too small
 * @see kernel/signal.c, do_sigaltstack()
 */
export function setSignalStack(task: TaskStruct, stack: SignalStack, sp: bigint | null): void {
  const old = task.signalStack;
  if (sp !== null && sp > old.sp && sp - old.sp <= old.size) fail(EPERM);
  const mode = (stack.flags & ~SS_AUTODISARM) >>> 0;
  if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) fail(EINVAL);
  if (mode === SS_DISABLE) {
    task.signalStack = { ...NO_SIGNAL_STACK, flags: stack.flags };
    return;
  }
  if (stack.size < MIN_STACK) fail(ENOMEM);
  task.signalStack = stack;
}

/** The flags that sigaltstack() gives of the present stack. */
export function signalStackFlags({ size, flags }: SignalStack): number {
  return ((size === 0n ? SS_DISABLE : 0) | (flags & SS_AUTODISARM)) >>> 0;
}

/**
 * Sends a signal with a siginfo of the caller's making to a process, or with `tid` to one of its threads.
 * @throws {LinuxError} EPERM: it claims to come from the kernel or kill() and is for another; or not
 *   permitted
 * @throws {LinuxError} EAGAIN: over RLIMIT_SIGPENDING; ESRCH: nobody there; EINVAL: no such signal, or numbers that are not positive
 * @see kernel/signal.c, do_rt_sigqueueinfo() and do_rt_tgsigqueueinfo()
 */
export function sigqueueinfo(
  caller: TaskStruct,
  tgid: number,
  tid: number | null,
  signal: number,
  info: Siginfo,
): void {
  if (tid !== null && (tid <= 0 || tgid <= 0)) fail(EINVAL);
  const code = siginfoCode(info);
  if ((code >= 0 || code === SI_TKILL) && caller.pid !== (tid ?? tgid)) fail(EPERM);
  const target = caller.kernel.findTask(tid ?? tgid) ?? fail(ESRCH);
  if (tid !== null && target.tgid !== tgid) fail(ESRCH);
  checkKillPermission(caller, target, signal);
  const to = tid === null ? receiver(target) : target;
  sendSignal(to, signal, { info, shared: tid === null });
}
