import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import {
  doSigaction,
  setSignalStack,
  signalStackFlags,
  sigpending,
  sigprocmask,
  sigqueueinfo,
} from '../kernel/sigaction.js';
import type { SigAction } from '../kernel/sighand.js';
import type { Siginfo } from '../kernel/siginfo.js';
import { SIGINFO_SIZE } from '../kernel/siginfo.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { done, int, readU64, readUser, type SyscallFamily, writeU64, writeUser } from './args.js';

const SIGSET_SIZE = 8;
/** sizeof(stack_t) */
const STACK_SIZE = 24;

/**
 * Signals: actions, masks, what waits, and stacks for handlers. Which handler runs is the CPU's matter.
 *
 * @param restorer whether struct sigaction has sa_restorer: all architectures here but riscv64
 * @see kernel/signal.c
 */
export function signalFamily(restorer: boolean): SyscallFamily {
  return {
    rt_sigaction: (task, signal, act, old, size) =>
      rtSigaction(task, int(signal), { act, old, size, restorer }),
    rt_sigprocmask: (task, how, set, old, size) => rtSigprocmask(task, int(how), set, old, size),
    rt_sigpending: (task, set, size) => rtSigpending(task, set, size),
    rt_sigqueueinfo: (task, pid, signal, info) =>
      done(sigqueueinfo(task, int(pid), null, int(signal), givenInfo(task, int(signal), info))),
    rt_tgsigqueueinfo: (task, tgid, tid, signal, info) =>
      done(
        sigqueueinfo(task, int(tgid), int(tid), int(signal), givenInfo(task, int(signal), info)),
      ),
    sigaltstack: (task, stack, old) => sigaltstack(task, stack, old),
  };
}

interface ActionArgs {
  readonly act: U64;
  readonly old: U64;
  readonly size: U64;
  readonly restorer: boolean;
}

/**
 *     struct sigaction   0 sa_handler   8 sa_flags   16 sa_restorer   24 sa_mask
 *
 * @throws {LinuxError} EINVAL: the size of the mask, no such signal; EFAULT: an address
 */
function rtSigaction(task: TaskStruct, signal: number, args: ActionArgs): number {
  const { act, old, size, restorer } = args;
  if (size !== SIGSET_SIZE) fail(EINVAL);
  const action = act === 0 ? null : decodeAction(readUser(task, act, restorer ? 32 : 24));
  const before = doSigaction(task, signal, action);
  if (old !== 0) {
    const { handler, flags, mask } = before;
    const words = restorer ? [handler, flags, before.restorer, mask] : [handler, flags, mask];
    writeUser(task, old, new Uint8Array(BigUint64Array.from(words).buffer));
  }
  return 0;
}

function decodeAction(view: DataView): SigAction {
  const word = (at: number): bigint => view.getBigUint64(at, true);
  const restorer = view.byteLength === 32 ? word(16) : 0n;
  return { handler: word(0), flags: word(8), restorer, mask: word(view.byteLength - 8) };
}

/** @throws {LinuxError} EINVAL: the size of a mask, no such way; EFAULT: an address */
function rtSigprocmask(task: TaskStruct, how: number, set: U64, old: U64, size: U64): number {
  if (size !== SIGSET_SIZE) fail(EINVAL);
  const before = task.blocked;
  if (set !== 0) sigprocmask(task, how, BigInt(readU64(task, set)));
  if (old !== 0) writeU64(task, old, before);
  return 0;
}

/** @throws {LinuxError} EINVAL: larger than a mask; EFAULT: an address */
function rtSigpending(task: TaskStruct, set: U64, size: U64): number {
  if (size > SIGSET_SIZE) fail(EINVAL);
  const mask = new Uint8Array(SIGSET_SIZE);
  new DataView(mask.buffer).setBigUint64(0, sigpending(task), true);
  writeUser(task, set, mask.subarray(0, Number(size)));
  return 0;
}

/** si_signo is what the caller says besides. @throws {LinuxError} EFAULT */
function givenInfo(task: TaskStruct, signal: number, addr: U64): Siginfo {
  const view = readUser(task, addr, SIGINFO_SIZE);
  const info = new Uint8Array(view.buffer, view.byteOffset, SIGINFO_SIZE).slice();
  new DataView(info.buffer).setInt32(0, signal, true);
  return info;
}

/**
 *     stack_t   0 ss_sp   8 ss_flags   16 ss_size
 *
 * @throws {LinuxError} EFAULT: an address; EINVAL, ENOMEM: see setSignalStack()
 */
function sigaltstack(task: TaskStruct, stack: U64, old: U64): number {
  const before = task.signalStack;
  if (stack !== 0) {
    const view = readUser(task, stack, STACK_SIZE);
    const [sp, size] = [view.getBigUint64(0, true), view.getBigUint64(16, true)];
    setSignalStack(task, { sp, size, flags: view.getUint32(8, true) }, null);
  }
  if (old === 0) return 0;
  const view = new DataView(new ArrayBuffer(STACK_SIZE));
  view.setBigUint64(0, before.sp, true);
  view.setUint32(8, signalStackFlags(before), true);
  view.setBigUint64(16, before.size, true);
  writeUser(task, old, view);
  return 0;
}
