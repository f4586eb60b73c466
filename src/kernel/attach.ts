import { EIO, EPERM } from '../../assembly/abi/errno.js';
import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { checked, fail } from '../errno.js';
import { accessRemoteVm } from '../mm/access.js';
import type { U64 } from '../mm/address.js';
import { deliverPending, sendSignal } from './deliver.js';
import { SUID_DUMP_USER } from './mm-struct.js';
import {
  __ptraceMayAccess,
  getTaskMm,
  PTRACE_MODE_ATTACH_REALCREDS,
  ptracerCapable,
} from './ptrace.js';
import { PTRACE_O_MASK } from './ptrace-abi.js';
import { checkPtraceOptions } from './ptrace-info.js';
import { ptraceLink } from './ptrace-link.js';
import { RLIMIT_AS, stackLimit } from './rlimit.js';
import { SIGSTOP } from './signal.js';
import type { TaskStruct } from './task.js';
import { PF_EXITING, sameThreadGroup } from './task.js';

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
  const options = seize === null ? 0 : seizeOptions(caller, seize);
  if (target.isKthread || sameThreadGroup(target, caller)) fail(EPERM);
  checked(__ptraceMayAccess(caller, target, PTRACE_MODE_ATTACH_REALCREDS));
  if (target.exited || target.ptrace !== null) fail(EPERM);
  const link = ptraceLink(target, caller, {
    cred: caller.cred,
    seized: seize !== null,
    options,
  });
  // A task in a group stop stops for its tracer instead.
  if (target.state === 'T') {
    link.trap = true;
    target.state = 'R';
  }
  if (seize === null) sendSignal(target, SIGSTOP);
  else deliverPending(target);
}

function seizeOptions(caller: TaskStruct, seize: { addr: U64; options: U64 }): number {
  if (Number(seize.addr) !== 0) fail(EIO);
  if ((BigInt(seize.options) & ~BigInt(PTRACE_O_MASK)) !== 0n) fail(EIO);
  return checkPtraceOptions(caller, seize.options);
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
  // acct_stack_growth() asks for the limits of who makes the call.
  return mm.growingUnder(caller.group.rlimits.soft(RLIMIT_AS), () =>
    accessRemoteVm(mm, addr, bytes, gupFlags, stackLimit(caller), 'ptrace'),
  );
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
