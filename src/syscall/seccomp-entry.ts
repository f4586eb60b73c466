import { ENOSYS, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { AUDIT_ARCH } from '../kernel/audit-arch.js';
import { doExit, doExitGroup } from '../kernel/exit.js';
import { forceSignal } from '../kernel/force-signal.js';
import { PTRACE_EVENT_SECCOMP, PTRACE_O_SUSPEND_SECCOMP } from '../kernel/ptrace-abi.js';
import { ptraceEvent } from '../kernel/ptrace-stop.js';
import { instructionPointer } from '../kernel/ptrace-regs.js';
import {
  actionOf,
  runFilters,
  type Seccomp,
  SECCOMP_DATA_SIZE,
  SECCOMP_MODE_STRICT,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_DATA,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_THREAD,
  SECCOMP_RET_LOG,
  SECCOMP_RET_TRACE,
  SECCOMP_RET_TRAP,
  SECCOMP_RET_USER_NOTIF,
  type SeccompFilter,
} from '../kernel/seccomp.js';
import { NOTIF_FLAG_CONTINUE, SeccompNotification } from '../kernel/seccomp-notify.js';
import { makeSiginfo } from '../kernel/siginfo.js';
import { SIGKILL, SIGSYS } from '../kernel/signal.js';
import { endSleep, isAsleep } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import { toU64, type U64 } from '../vfs/u64.js';
import type { SyscallArch } from './dispatch.js';
import { register } from './args.js';

/** What strict mode leaves: read, write, exit, rt_sigreturn. */
const STRICT_X86_64: readonly number[] = [0, 1, 60, 15];
const STRICT_GENERIC: readonly number[] = [63, 64, 93, 139];
const MAX_ERRNO = 4095;
/** si_code: include/uapi/asm-generic/siginfo.h */
const SYS_SECCOMP = 1;

/** A call as filters see it. */
export interface FilteredCall {
  readonly nr: number;
  readonly args: readonly (number | bigint)[];
  readonly arch: SyscallArch;
}

/**
 * Asks a task's filters about a call that it begins; one that has slept was asked about already.
 *
 * @returns null: it is made; otherwise what it answers: -ERESTARTSYS while it waits for a supervisor or a tracer
 * @see kernel/seccomp.c, __seccomp_filter() and __secure_computing_strict()
 */
export function enterSeccomp(task: TaskStruct, call: FilteredCall): U64 | null {
  const { seccomp, notification, filterPassed } = task;
  if (seccomp === null) return null;
  if (notification?.nr === call.nr) return answerOf(task, notification);
  if (filterPassed === call.nr) return null;
  if (isAsleep(task)) endSleep(task);
  if (((task.ptrace?.options ?? 0) & PTRACE_O_SUSPEND_SECCOMP) !== 0) return null;
  return seccomp.mode === SECCOMP_MODE_STRICT ? strict(task, call) : filtered(task, seccomp, call);
}

function strict(task: TaskStruct, { nr, arch }: FilteredCall): U64 | null {
  const left = arch === 'x86_64' ? STRICT_X86_64 : STRICT_GENERIC;
  if (left.includes(nr)) return null;
  doExit(task, SIGKILL);
  return 0;
}

/** struct seccomp_data */
function dataOf(task: TaskStruct, { nr, args, arch }: FilteredCall): DataView {
  const data = new DataView(new ArrayBuffer(SECCOMP_DATA_SIZE));
  data.setInt32(0, nr, true);
  data.setUint32(4, AUDIT_ARCH[arch], true);
  data.setBigUint64(8, instructionPointer(task), true);
  for (let i = 0; i < 6; i++) {
    data.setBigUint64(16 + 8 * i, BigInt.asUintN(64, BigInt(args[i] ?? 0)), true);
  }
  return data;
}

function filtered(task: TaskStruct, seccomp: Seccomp, call: FilteredCall): U64 | null {
  const data = dataOf(task, call);
  const { answer, filter } = runFilters(seccomp, new Uint32Array(data.buffer));
  const traced = task.filterTraced;
  task.filterTraced = false;
  const value = answer & SECCOMP_RET_DATA;
  switch (actionOf(answer)) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
      return null;
    case SECCOMP_RET_ERRNO:
      return 0 - Math.min(value, MAX_ERRNO);
    case SECCOMP_RET_TRAP:
      trap(task, data, value);
      return untouched(call);
    case SECCOMP_RET_USER_NOTIF:
      return askSupervisor(task, call, data, filter);
    case SECCOMP_RET_TRACE:
      return traced ? null : askTracer(task, value);
    default:
      kill(task, actionOf(answer));
      return 0;
  }
}

/** What the register of the result holds when nothing is stored there (syscall_rollback()). */
function untouched({ nr, args, arch }: FilteredCall): U64 {
  return register(arch === 'x86_64' ? nr : (args[0] ?? 0));
}

/** SIGSYS tells the call: its number, architecture and place (force_sig_seccomp()). */
function trap(task: TaskStruct, data: DataView, reason: number): void {
  const info = makeSiginfo(SIGSYS, SYS_SECCOMP);
  const view = new DataView(info.buffer);
  view.setInt32(4, reason, true);
  view.setBigUint64(16, data.getBigUint64(8, true), true);
  view.setInt32(24, data.getInt32(0, true), true);
  view.setUint32(28, data.getUint32(4, true), true);
  forceSignal(task, { signal: SIGSYS, info });
}

/** The last thread takes its process along. */
function kill(task: TaskStruct, action: number): void {
  const others = [...task.group.threads].some((thread) => thread !== task && !thread.exited);
  if (action === SECCOMP_RET_KILL_THREAD && others) doExit(task, SIGSYS);
  else doExitGroup(task, SIGSYS);
}

/** Stops for a tracer that asked for that; what it changes of the call is judged again. */
function askTracer(task: TaskStruct, message: number): U64 {
  if (!ptraceEvent(task, PTRACE_EVENT_SECCOMP, message)) return -ENOSYS;
  task.filterTraced = true;
  task.entered = task.hart !== null;
  return -ERESTARTSYS;
}

function askSupervisor(
  task: TaskStruct,
  { nr }: FilteredCall,
  data: DataView,
  filter: SeccompFilter | null,
): U64 {
  const listener = filter?.listener ?? null;
  if (listener === null || listener.closed) return -ENOSYS;
  task.notification = new SeccompNotification(listener, task, nr, new Uint8Array(data.buffer));
  return -ERESTARTSYS;
}

/** What the supervisor said; seccomp_do_user_notification(). */
function answerOf(task: TaskStruct, notification: SeccompNotification): U64 | null {
  if (notification.state !== 'replied') return -ERESTARTSYS;
  notification.leave();
  task.notification = null;
  if ((notification.flags & NOTIF_FLAG_CONTINUE) !== 0) return null;
  if (notification.error !== 0) return notification.error;
  // A value that is an errno is one to the caller.
  const value = BigInt.asIntN(64, notification.value);
  return value < 0n && value >= -MAX_ERRNO ? Number(value) : toU64(value);
}
