import { taskOf } from '../api/task.js';
import { CLONE_SETTLS } from '../kernel/unshare.js';
import { copyFromUser } from '../mm/user.js';
import { LinuxError } from '../errno.js';
import { toU64 } from '../vfs/u64.js';
import { type Call, GuestThread } from './guest-thread.js';

const SP = 2;
const TP = 4;
const A0 = 10;
/** clone() with the bits of pthread_create(), and its argument order on riscv64. */
const CLONE_ARGS_STACK = 40;

/**
 * Gives a task that was just born its CPU: its parent's registers, with the stack and the thread pointer it
 * was made with, and 0 as what its call returns.
 *
 * @returns null for one that did not live to run
 * @see arch/riscv/kernel/process.c, copy_thread()
 */
export function birth(parent: GuestThread, call: Call, tid: number): GuestThread | null {
  const struct = parent.struct.kernel.findTask(tid);
  if (struct === null || struct.exited) return null;
  const child = new GuestThread(taskOf(struct));
  child.cpu.copyFrom(parent.cpu);
  child.cpu.setX(A0, 0);
  const { stack, tls } = call.name === 'clone3' ? clone3Args(parent, call) : cloneArgs(call);
  if (stack !== 0n) child.cpu.setX(SP, stack);
  if (tls !== null) child.cpu.setX(TP, tls);
  return child;
}

interface ThreadArgs {
  readonly stack: bigint;
  readonly tls: bigint | null;
}

function cloneArgs({ args }: Call): ThreadArgs {
  const [flags = 0n, stack = 0n, , tls = 0n] = args;
  return { stack, tls: flags & BigInt(CLONE_SETTLS) ? tls : null };
}

/** The stack grows from the end of what clone3() was given. */
function clone3Args({ struct }: GuestThread, { args }: Call): ThreadArgs {
  const { mm } = struct;
  if (mm === null) return { stack: 0n, tls: null };
  try {
    const bytes = copyFromUser(mm, toU64(args[0] ?? 0n), 64);
    const view = new DataView(bytes.buffer);
    const [stack, size] = [view.getBigUint64(CLONE_ARGS_STACK, true), view.getBigUint64(48, true)];
    const sets = view.getBigUint64(0, true) & BigInt(CLONE_SETTLS);
    return { stack: stack + size, tls: sets ? view.getBigUint64(56, true) : null };
  } catch (error) {
    if (error instanceof LinuxError) return { stack: 0n, tls: null };
    throw error;
  }
}

/** Calls that make a task whose number they return. */
export const BIRTHS: ReadonlySet<string> = new Set(['clone', 'clone3', 'fork', 'vfork']);

/**
 * Calls that a handler interrupts for good: SA_RESTART does not have them made again.
 *
 * @see signal(7), "Interruption of system calls and library functions by signal handlers"
 */
export const NEVER_RESTARTED: ReadonlySet<string> = new Set([
  'pause',
  'rt_sigsuspend',
  'rt_sigtimedwait',
  'poll',
  'ppoll',
  'select',
  'pselect6',
  'epoll_wait',
  'epoll_pwait',
  'epoll_pwait2',
  'nanosleep',
  'clock_nanosleep',
  'semop',
  'semtimedop',
  'io_getevents',
]);

/** Calls that send SIGPIPE when they answer EPIPE: writes to a pipe that nobody reads. */
export const WRITES: ReadonlySet<string> = new Set([
  'write',
  'writev',
  'pwritev2',
  'sendfile',
  'splice',
  'tee',
  'vmsplice',
]);
