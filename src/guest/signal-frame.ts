import type { Cpu } from '../api/cpu.js';
import { LinuxError } from '../errno.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { setSignalStack } from '../kernel/sigaction.js';
import { NO_SIGNAL_STACK, type SignalStack, UNBLOCKABLE } from '../kernel/sighand.js';
import type { QueuedSignal } from '../kernel/siginfo.js';
import { SIGINFO_SIZE } from '../kernel/siginfo.js';
import type { TaskStruct } from '../kernel/task.js';
import { copyFromUser, copyToUser } from '../mm/user.js';
import { toU64 } from '../vfs/u64.js';

/*
 *     struct rt_sigframe              struct ucontext, from 128
 *       0 siginfo_t                     0 uc_flags   8 uc_link
 *     128 struct ucontext              16 uc_stack: ss_sp, ss_flags, ss_size
 *                                      40 uc_sigmask, and room for a larger one
 *                                     176 uc_mcontext: pc, x1 to x31, then the floating-point state
 *
 * The floating-point state is f0 to f31 and fcsr; 528 bytes, as there is room for quadruple precision. What
 * lies behind it says, all zeros, that no extension follows.
 */
const UCONTEXT = SIGINFO_SIZE;
const UC_STACK = UCONTEXT + 16;
/** Where in the frame, from the stack pointer, the mask is that comes back. */
export const UC_SIGMASK = UCONTEXT + 40;
const GREGS = UCONTEXT + 176;
const FPREGS = GREGS + 32 * 8;
const FCSR = FPREGS + 32 * 8;
/** sizeof(struct rt_sigframe): AT_MINSIGSTKSZ. */
const FRAME_SIZE = FPREGS + 528;

const RA = 1;
const SP = 2;
const A0 = 10;

// include/uapi/linux/signal.h and asm-generic/signal-defs.h
const SS_ONSTACK = 1;
const SS_DISABLE = 2;
const SS_AUTODISARM = 0x80000000;
const SA_ONSTACK = 0x08000000n;

/** Whether a stack pointer lies on the stack for handlers (__on_sig_stack()). */
function onSigStack({ sp, size }: SignalStack, at: bigint): boolean {
  return at > sp && at - sp <= size;
}

/** sas_ss_flags(): of a stack that disarms itself nobody is ever on it. */
function sasFlags(stack: SignalStack, at: bigint): number {
  if (stack.size === 0n) return SS_DISABLE;
  if (stack.flags & SS_AUTODISARM) return 0;
  return onSigStack(stack, at) ? SS_ONSTACK : 0;
}

/** Where the frame goes; null when the handlers' stack would overflow (get_sigframe()). */
function frameAddr(task: TaskStruct, sp: bigint, flags: bigint): bigint | null {
  const { signalStack } = task;
  const on = (signalStack.flags & SS_AUTODISARM) === 0 && onSigStack(signalStack, sp);
  if (on && !onSigStack(signalStack, sp - BigInt(FRAME_SIZE))) return null;
  let top = sp;
  if ((flags & SA_ONSTACK) !== 0n && sasFlags(signalStack, sp) === 0) {
    top = signalStack.sp + signalStack.size;
  }
  return BigInt.asUintN(64, top - BigInt(FRAME_SIZE)) & ~15n;
}

/** The registers of a CPU and the signals its task holds back, as a handler finds them. */
function makeFrame(cpu: Cpu, task: TaskStruct, taken: QueuedSignal, mask: bigint): Uint8Array {
  const bytes = new Uint8Array(FRAME_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(taken.info);
  const { sp, size, flags } = task.signalStack;
  const on = sasFlags(task.signalStack, cpu.x(SP));
  view.setBigUint64(UC_STACK, sp, true);
  view.setUint32(UC_STACK + 8, (on | (flags & SS_AUTODISARM)) >>> 0, true);
  view.setBigUint64(UC_STACK + 16, size, true);
  view.setBigUint64(UC_SIGMASK, mask, true);
  view.setBigUint64(GREGS, cpu.pc, true);
  for (let i = 1; i < 32; i++) view.setBigUint64(GREGS + 8 * i, cpu.x(i), true);
  for (let i = 0; i < 32; i++) view.setBigUint64(FPREGS + 8 * i, cpu.f(i), true);
  view.setUint32(FCSR, cpu.fcsr, true);
  return bytes;
}

/**
 * Has a CPU enter the handler of a signal: the frame goes to the stack, the registers to the handler.
 *
 * @param mask the signals to be held back when it returns
 * @returns false when the frame could not be stored
 * @see arch/riscv/kernel/signal.c, setup_rt_frame()
 */
export function enterHandler(
  cpu: Cpu,
  task: TaskStruct,
  mm: MmStruct,
  taken: QueuedSignal,
  mask: bigint,
): boolean {
  const { handler, flags } = task.sighand.action(taken.signal);
  const frame = frameAddr(task, cpu.x(SP), flags);
  if (frame === null) return false;
  try {
    copyToUser(mm, toU64(frame), makeFrame(cpu, task, taken, mask));
  } catch (error) {
    if (error instanceof LinuxError) return false;
    throw error;
  }
  cpu.setX(RA, mm.sigreturn);
  cpu.setX(SP, frame);
  cpu.setX(A0, taken.signal);
  cpu.setX(A0 + 1, frame);
  cpu.setX(A0 + 2, frame + BigInt(UCONTEXT));
  cpu.pc = handler;
  if (task.signalStack.flags & SS_AUTODISARM) task.signalStack = NO_SIGNAL_STACK;
  return true;
}

/**
 * Undoes what enterHandler() did, with what the handler made of the frame at its stack pointer.
 *
 * @returns false when there is no frame to be read
 * @see arch/riscv/kernel/signal.c, SYSCALL_DEFINE0(rt_sigreturn)
 */
export function leaveHandler(cpu: Cpu, task: TaskStruct, mm: MmStruct): boolean {
  let frame: DataView;
  try {
    frame = new DataView(copyFromUser(mm, toU64(cpu.x(SP)), FRAME_SIZE).buffer);
  } catch (error) {
    if (error instanceof LinuxError) return false;
    throw error;
  }
  task.blocked = frame.getBigUint64(UC_SIGMASK, true) & ~UNBLOCKABLE;
  cpu.pc = frame.getBigUint64(GREGS, true);
  for (let i = 1; i < 32; i++) cpu.setX(i, frame.getBigUint64(GREGS + 8 * i, true));
  for (let i = 0; i < 32; i++) cpu.setF(i, frame.getBigUint64(FPREGS + 8 * i, true));
  cpu.fcsr = frame.getUint32(FCSR, true) & 0xff;
  restoreStack(task, frame, cpu.x(SP));
  return true;
}

/** restore_altstack(): what sigaltstack() would refuse is not taken. */
function restoreStack(task: TaskStruct, frame: DataView, sp: bigint): void {
  const stack = {
    sp: frame.getBigUint64(UC_STACK, true),
    flags: frame.getUint32(UC_STACK + 8, true),
    size: frame.getBigUint64(UC_STACK + 16, true),
  };
  try {
    setSignalStack(task, stack, sp);
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
  }
}
