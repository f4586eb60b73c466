import { EFAULT, EINVAL, EIO, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { checked, fail } from '../errno.js';
import { accessRemoteVm } from '../mm/access.js';
import type { U64 } from '../mm/address.js';
import { copyToUser } from '../mm/user.js';
import { deliverPending, sendSignal, takeDefaultAction } from './kill.js';
import { SUID_DUMP_USER } from './mm-struct.js';
import {
  __ptraceMayAccess,
  getTaskMm,
  PTRACE_MODE_ATTACH_REALCREDS,
  ptracerCapable,
} from './ptrace.js';
import { ptraceLink, ptraceStop, ptraceUnlink } from './ptrace-link.js';
import { stackLimit } from './rlimit.js';
import { NSIG, SIGKILL, SIGSTOP, SIGTRAP } from './signal.js';
import type { TaskStruct } from './task.js';
import { PF_EXITING, sameThreadGroup } from './task.js';

// include/uapi/linux/ptrace.h
export const PTRACE_TRACEME = 0;
export const PTRACE_PEEKTEXT = 1;
export const PTRACE_PEEKDATA = 2;
export const PTRACE_POKETEXT = 4;
export const PTRACE_POKEDATA = 5;
export const PTRACE_CONT = 7;
export const PTRACE_KILL = 8;
export const PTRACE_ATTACH = 16;
export const PTRACE_DETACH = 17;
export const PTRACE_SETOPTIONS = 0x4200;
export const PTRACE_SEIZE = 0x4206;
export const PTRACE_INTERRUPT = 0x4207;

const PTRACE_O_MASK = 0x3000ff;
const PTRACE_EVENT_STOP = 128;
const WORD_BYTES = 8;

/**
 * Asks to be traced by the parent. What is checked is the parent's capabilities only, and the
 * tracee's own credentials are remembered as the tracer's (K-204, K-205).
 * @throws {LinuxError} EPERM: traced already, or the parent may not
 * @see kernel/ptrace.c, ptrace_traceme()
 */
export function ptraceTraceme(task: TaskStruct): void {
  if (task.ptrace !== null) fail(EPERM);
  const { parent } = task;
  if (parent === null) return;
  checked(task.kernel.security.ptraceTraceme(task.ptracer ?? parent, task));
  if (parent.flags & PF_EXITING) return;
  ptraceLink(task, parent, { cred: task.cred, seized: false, options: 0 });
}

/**
 * Attaches to a task: ATTACH stops it, SEIZE lets it run and sets options.
 * @throws {LinuxError} EIO: SEIZE with an address or unknown options
 * @throws {LinuxError} EPERM: a kernel thread, the own process, not permitted, a zombie, or traced
 *   already (K-200)
 * @see kernel/ptrace.c, ptrace_attach()
 */
export function ptraceAttach(
  caller: TaskStruct,
  target: TaskStruct,
  seize: { addr: U64; options: U64 } | null,
): void {
  if (seize !== null && (Number(seize.addr) !== 0 || !validOptions(seize.options))) fail(EIO);
  if (target.isKthread || sameThreadGroup(target, caller)) fail(EPERM);
  checked(__ptraceMayAccess(caller, target, PTRACE_MODE_ATTACH_REALCREDS));
  if (target.exited || target.ptrace !== null) fail(EPERM);
  const options = seize === null ? 0 : Number(seize.options);
  ptraceLink(target, caller, { cred: caller.cred, seized: seize !== null, options });
  if (seize === null) ptraceStop(target, SIGSTOP);
}

function validOptions(options: U64): boolean {
  return (BigInt(options) & ~BigInt(PTRACE_O_MASK)) === 0n;
}

/**
 * Moves bytes between a tracer and its tracee's memory; 0 where it may not (kernel/ptrace.c,
 * ptrace_access_vm()).
 */
function ptraceAccessVm(
  caller: TaskStruct,
  tracee: TaskStruct,
  addr: U64,
  bytes: Uint8Array,
  gupFlags: number,
): number {
  const mm = getTaskMm(tracee);
  if (mm === null || tracee.ptracer !== caller) return 0;
  if (mm.dumpable !== SUID_DUMP_USER && !ptracerCapable(tracee, mm.userNs)) return 0;
  return accessRemoteVm(mm, addr, bytes, gupFlags, stackLimit(caller));
}

/**
 * Reads a word of a tracee, whatever its protection.
 * @throws {LinuxError} EIO: some of the 8 bytes are not there (K-202)
 * @see kernel/ptrace.c, generic_ptrace_peekdata()
 */
export function ptracePeek(caller: TaskStruct, tracee: TaskStruct, addr: U64): Uint8Array {
  const word = new Uint8Array(WORD_BYTES);
  if (ptraceAccessVm(caller, tracee, addr, word, FOLL_FORCE) !== WORD_BYTES) fail(EIO);
  return word;
}

/**
 * Writes a word of a tracee, whatever its protection; the bytes before one that is not there stay
 * written.
 * @throws {LinuxError} EIO: some of the 8 bytes are not there (K-202)
 * @see kernel/ptrace.c, generic_ptrace_pokedata()
 */
export function ptracePoke(caller: TaskStruct, tracee: TaskStruct, addr: U64, data: U64): void {
  const word = new Uint8Array(WORD_BYTES);
  new DataView(word.buffer).setBigUint64(0, BigInt.asUintN(64, BigInt(data)), true);
  const done = ptraceAccessVm(caller, tracee, addr, word, FOLL_FORCE | FOLL_WRITE);
  if (done !== WORD_BYTES) fail(EIO);
}

/** The signal a tracer lets through, 0 for none; EIO beyond the last one (K-203). */
function injected(data: U64): number {
  return data <= NSIG ? Number(data) : fail(EIO);
}

function resume(tracee: TaskStruct, signal: number): void {
  tracee.state = 'R';
  tracee.stopCode = null;
  if (signal !== 0) takeDefaultAction(tracee, signal);
  deliverPending(tracee);
}

function interrupt(tracee: TaskStruct): void {
  if (!tracee.ptrace?.seized) fail(EIO);
  if (tracee.state !== 't') ptraceStop(tracee, SIGTRAP | (PTRACE_EVENT_STOP << 8));
}

function setOptions(tracee: TaskStruct, options: U64): void {
  if (!validOptions(options)) fail(EINVAL);
  if (tracee.ptrace !== null) tracee.ptrace.options = Number(options);
}

/** Requests of a tracer to a tracee of its own (kernel/ptrace.c, ptrace_request()). */
function request(caller: TaskStruct, what: number, tracee: TaskStruct, addr: U64, data: U64): void {
  switch (what) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA: {
      const word = ptracePeek(caller, tracee, addr);
      return copyToUser(caller.mm ?? fail(EFAULT), data, word);
    }
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
      return ptracePoke(caller, tracee, addr, data);
    case PTRACE_CONT:
      return resume(tracee, injected(data));
    case PTRACE_DETACH: {
      const signal = injected(data);
      ptraceUnlink(tracee);
      return resume(tracee, signal);
    }
    case PTRACE_KILL:
      return sendSignal(tracee, SIGKILL);
    case PTRACE_INTERRUPT:
      return interrupt(tracee);
    case PTRACE_SETOPTIONS:
      return setOptions(tracee, data);
    default:
      return fail(EIO);
  }
}

/**
 * The system call ptrace: attaching, detaching, words of memory, and running on.
 * @throws {LinuxError} ESRCH: no such task, not a tracee of the caller, or one that runs (K-200,
 *   K-201)
 * @throws {LinuxError} EIO, EPERM, EINVAL: see ptraceAttach(), ptracePeek(), ptracePoke(); EIO for
 *   other requests
 * @throws {LinuxError} EFAULT: a peek to a bad address (K-203)
 * @see kernel/ptrace.c, SYSCALL_DEFINE4(ptrace)
 */
export function sysPtrace(
  caller: TaskStruct,
  what: number,
  pid: number,
  addr: U64,
  data: U64,
): void {
  if (what === PTRACE_TRACEME) return ptraceTraceme(caller);
  const target = caller.kernel.findTask(pid) ?? fail(ESRCH);
  if (what === PTRACE_ATTACH) return ptraceAttach(caller, target, null);
  if (what === PTRACE_SEIZE) return ptraceAttach(caller, target, { addr, options: data });
  // ptrace_check_attach(): KILL and INTERRUPT are for running tracees too.
  const anyState = what === PTRACE_KILL || what === PTRACE_INTERRUPT;
  if (target.ptracer !== caller || (!anyState && target.state !== 't')) fail(ESRCH);
  return request(caller, what, target, addr, data);
}
