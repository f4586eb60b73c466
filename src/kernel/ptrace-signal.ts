import { EFAULT, EINVAL, EIO } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { U64 } from '../mm/address.js';
import { copyFromUser, copyToUser } from '../mm/user.js';
import { deliverPending, endListening } from './deliver.js';
import type { MmStruct } from './mm-struct.js';
import { PTRACE_EVENT_STOP } from './ptrace-abi.js';
import { UNBLOCKABLE } from './sighand.js';
import type { QueuedSignal } from './siginfo.js';
import { SIGINFO_SIZE, siginfoCode } from './siginfo.js';
import type { PtraceLink } from './ptrace-link.js';
import type { TaskStruct } from './task.js';
import { toUserAddr } from './user-address.js';

const SIGSET_SIZE = 8;
const PTRACE_PEEKSIGINFO_SHARED = 1;

/**
 * Gives what the present stop is about.
 * @throws {LinuxError} EINVAL: a group stop of a task that was not seized; EFAULT: a bad address
 * @see kernel/ptrace.c, ptrace_getsiginfo()
 */
export function ptraceGetsiginfo(link: PtraceLink, mm: MmStruct, data: U64): void {
  copyToUser(mm, data, link.info ?? fail(EINVAL));
}

/** Replaces it; errors as ptraceGetsiginfo(), the address first (ptrace_setsiginfo()). */
export function ptraceSetsiginfo(link: PtraceLink, mm: MmStruct, data: U64): void {
  const info = copyFromUser(mm, data, SIGINFO_SIZE);
  if (link.info === null) fail(EINVAL);
  link.info = info.slice();
}

/**
 * Copies signals that wait for a tracee, without taking them.
 * @param addr struct ptrace_peeksiginfo_args: where to begin, flags, how many
 * @returns how many were copied
 * @throws {LinuxError} EFAULT: a bad address, before anything was copied; EINVAL: flags, a negative
 *   count
 * @see kernel/ptrace.c, ptrace_peek_siginfo()
 */
export function ptracePeeksiginfo(tracee: TaskStruct, mm: MmStruct, addr: U64, data: U64): number {
  const bytes = copyFromUser(mm, addr, 16);
  const args = new DataView(bytes.buffer, bytes.byteOffset);
  const flags = args.getUint32(8, true);
  const count = args.getInt32(12, true);
  if (flags & ~PTRACE_PEEKSIGINFO_SHARED || count < 0) fail(EINVAL);
  const shared = (flags & PTRACE_PEEKSIGINFO_SHARED) !== 0;
  const queue = (shared ? tracee.group.sharedPending : tracee.pendingSignals).list();
  const start = Number(args.getBigUint64(0, true));
  return copyQueue(queue.slice(start, start + count), mm, data);
}

function copyQueue(signals: readonly QueuedSignal[], mm: MmStruct, data: U64): number {
  let done = 0;
  for (const { info } of signals) {
    try {
      copyToUser(mm, toUserAddr(BigInt(data) + BigInt(done * SIGINFO_SIZE)), info);
    } catch (error) {
      if (done > 0 && error instanceof LinuxError) return done;
      throw error;
    }
    done++;
  }
  return done;
}

/**
 * Gives the signals a tracee holds back.
 * @throws {LinuxError} EINVAL: `size` is not that of a mask; EFAULT: a bad address
 */
export function ptraceGetsigmask(tracee: TaskStruct, mm: MmStruct, size: U64, data: U64): void {
  if (size !== SIGSET_SIZE) fail(EINVAL);
  const mask = new Uint8Array(SIGSET_SIZE);
  new DataView(mask.buffer).setBigUint64(0, tracee.blocked, true);
  copyToUser(mm, data, mask);
}

/** Sets them, but for SIGKILL and SIGSTOP; errors as ptraceGetsigmask(). */
export function ptraceSetsigmask(tracee: TaskStruct, mm: MmStruct, size: U64, data: U64): void {
  if (size !== SIGSET_SIZE) fail(EINVAL);
  const mask = copyFromUser(mm, data, SIGSET_SIZE);
  tracee.blocked = new DataView(mask.buffer, mask.byteOffset).getBigUint64(0, true) & ~UNBLOCKABLE;
}

/**
 * Has a seized task stop for its tracer, now or when it next runs.
 * @throws {LinuxError} EIO: it was not seized
 * @see kernel/ptrace.c, ptrace_request()
 */
export function ptraceInterrupt(tracee: TaskStruct, link: PtraceLink): void {
  if (!link.seized) fail(EIO);
  link.trap = true;
  endListening(tracee, link);
  deliverPending(tracee);
}

/**
 * Leaves a seized task in its group stop: it does not run, and the tracer hears of it again at the
 * next change.
 * @throws {LinuxError} EIO: it was not seized, or is in another kind of stop
 */
export function ptraceListen(tracee: TaskStruct, link: PtraceLink): void {
  const atStop = link.info !== null && siginfoCode(link.info) >> 8 === PTRACE_EVENT_STOP;
  if (!link.seized || !atStop) fail(EIO);
  link.listening = true;
  if (!link.notify) return;
  // A SIGCONT came meanwhile: it is told at once.
  endListening(tracee, link);
  deliverPending(tracee);
}

/** The tracer's memory; a kernel thread has none. */
export function tracerMm(tracer: TaskStruct): MmStruct {
  return tracer.mm ?? fail(EFAULT);
}
