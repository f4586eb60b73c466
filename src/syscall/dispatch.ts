import { ENOSYS, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { LinuxError } from '../errno.js';
import { isOnDescriptor } from '../kernel/call-names.js';
import { actAs } from '../kernel/rusage.js';
import { endSleep, isAsleep } from '../kernel/sleep.js';
import { enterCall } from '../kernel/syscall-entry.js';
import type { TaskStruct } from '../kernel/task.js';
import { acting, mustAct } from '../mm/acting.js';
import type { U64 } from '../vfs/u64.js';
import { NOT_READY } from '../mm/mmap.js';
import {
  int,
  type ReadyHandler,
  register,
  type SyscallFamily,
  type SyscallHandler,
} from './args.js';
import { adminCalls } from './admin.js';
import { archPrctlCalls } from './arch-prctl.js';
import { cloneFamily } from './clone.js';
import { credCalls } from './cred.js';
import { execFamily } from './exec-call.js';
import { epollFamily } from './fs-epoll.js';
import { openCalls } from './fs-open.js';
import { lockCalls } from './fs-lock.js';
import { pathCalls } from './fs-path.js';
import { pollCalls } from './fs-poll.js';
import { readWriteCalls } from './fs-read-write.js';
import { statCalls, statCallsGeneric } from './fs-stat.js';
import { statfsCalls } from './fs-statfs.js';
import { xattrCalls } from './fs-xattr.js';
import { memoryAdviceCalls } from './memory-advice.js';
import { landlockCalls } from './landlock.js';
import { memoryCalls, memoryReady } from './memory.js';
import { memoryLockCalls } from './memory-lock.js';
import { pidfdCalls } from './pidfd.js';
import { processIdCalls } from './process-ids.js';
import { processCalls } from './process.js';
import { ptraceCalls } from './ptrace.js';
import { itimerCalls } from './itimer.js';
import { rseqCalls } from './rseq.js';
import { posixTimerCalls } from './posix-timer.js';
import { riscvCalls } from './riscv.js';
import { seccompCalls } from './seccomp.js';
import { enterSeccomp } from './seccomp-entry.js';
import { schedCalls } from './sched.js';
import { shmCalls } from './shm.js';
import { signalWaitCalls } from './signal-wait.js';
import { signalFamily } from './signal.js';
import { socketCalls } from './socket.js';
import { socketMessageCalls } from './socket-message.js';
import { signalfdCalls } from './signalfd.js';
import { systemFamily } from './system.js';
import { inotifyCalls } from './inotify.js';
import { timerfdCalls } from './timerfd.js';
import { timeCalls } from './time.js';
import { futexCalls } from './futex.js';
import { futex2Calls } from './futex2.js';
import { mqueueCalls } from './mqueue.js';
import { msgCalls } from './msg.js';
import { semFamily } from './sem.js';
import { NR_GENERIC } from './table-generic.js';
import { NR_X86_64 } from './table-x86-64.js';

/** Whose numbers and structures a caller uses. */
export type SyscallArch = 'x86_64' | 'riscv64' | 'aarch64';

/** The name of a system call of one of the architectures. */
export type SyscallName = keyof typeof NR_X86_64 | keyof typeof NR_GENERIC;

/** What makes a call. */
interface Entry {
  readonly handler: SyscallHandler;
  /** Registers that the handler looks at: the others are not made ready for it. */
  readonly registers: number;
  readonly ready: ReadyHandler | null;
}

/** The calls of one architecture. */
interface SyscallTable {
  readonly byName: ReadonlyMap<string, Entry>;
  /** By number; gaps are undefined. */
  readonly byNumber: readonly (Entry | undefined)[];
  /** The names of numbers. */
  readonly names: readonly (string | undefined)[];
}

/** What every architecture has alike. */
const COMMON_FAMILIES: readonly SyscallFamily[] = [
  readWriteCalls,
  openCalls,
  pathCalls,
  pollCalls,
  xattrCalls,
  statfsCalls,
  lockCalls,
  socketCalls,
  socketMessageCalls,
  memoryCalls,
  memoryAdviceCalls,
  memoryLockCalls,
  credCalls,
  processCalls,
  processIdCalls,
  ptraceCalls,
  landlockCalls,
  seccompCalls,
  pidfdCalls,
  shmCalls,
  timeCalls,
  inotifyCalls,
  timerfdCalls,
  futexCalls,
  futex2Calls,
  itimerCalls,
  schedCalls,
  adminCalls,
  signalWaitCalls,
  signalfdCalls,
  posixTimerCalls,
  rseqCalls,
  msgCalls,
  mqueueCalls,
];

function entryOf(name: string, handler: SyscallHandler): Entry {
  return { handler, registers: handler.length - 1, ready: memoryReady[name] ?? null };
}

function makeTable(
  numbers: Readonly<Record<string, number>>,
  families: readonly SyscallFamily[],
): SyscallTable {
  const byName = new Map(
    families.flatMap((family) =>
      Object.entries(family).map(([name, handler]) => [name, entryOf(name, handler)]),
    ),
  );
  const byNumber: (Entry | undefined)[] = [];
  const names: (string | undefined)[] = [];
  for (const [name, nr] of Object.entries(numbers)) {
    byNumber[nr] = byName.get(name);
    names[nr] = name;
  }
  return { byName, byNumber, names };
}

function genericTable(machine: 'riscv64' | 'aarch64'): SyscallTable {
  return makeTable(NR_GENERIC, [
    ...COMMON_FAMILIES,
    signalFamily(machine !== 'riscv64'),
    semFamily(false),
    statCallsGeneric,
    epollFamily(false),
    cloneFamily('tls-ctid'),
    execFamily(machine),
    machine === 'riscv64' ? riscvCalls : {},
    systemFamily(machine),
  ]);
}

function x8664Table(): SyscallTable {
  return makeTable(NR_X86_64, [
    ...COMMON_FAMILIES,
    signalFamily(true),
    semFamily(true),
    statCalls,
    archPrctlCalls,
    epollFamily(true),
    cloneFamily('ctid-tls'),
    execFamily('x86_64'),
    systemFamily('x86_64'),
  ]);
}

const made: Partial<Record<SyscallArch, SyscallTable>> = {};

/** Made when it is first asked for: most machines run programs of one architecture. */
function tableOf(arch: SyscallArch): SyscallTable {
  return (made[arch] ??= arch === 'x86_64' ? x8664Table() : genericTable(arch));
}

/** The calls the machine implements on an architecture, in alphabetical order. */
export function implementedSyscalls(arch: SyscallArch = 'x86_64'): string[] {
  const { byName } = tableOf(arch);
  const numbers: Readonly<Record<string, number>> = arch === 'x86_64' ? NR_X86_64 : NR_GENERIC;
  return [...byName.keys()].filter((name) => Object.hasOwn(numbers, name)).sort();
}

/** The name of a call by its number; undefined where the architecture has none. */
export function syscallName(nr: number, arch: SyscallArch): string | undefined {
  return tableOf(arch).names[nr];
}

/** A call by number comes in; one without a name is nobody's concern. */
function enter(
  task: TaskStruct,
  table: SyscallTable,
  call: string | number,
  arg: number | bigint = 0,
): void {
  const name = typeof call === 'number' ? table.names[call] : call;
  if (name !== undefined) enterCall(task, name, isOnDescriptor(name) ? int(register(arg)) : -1);
}

/**
 * Makes a system call as the CPU of `task` would.
 *
 * Arguments are the six registers: numbers or bigints of either sign, missing ones 0; an `int`
 * argument is cut to 32 bits as the kernel does, a pointer leads into the task's memory. What the
 * machine does not implement is answered -ENOSYS; a call that would sleep is answered
 * -ERESTARTSYS (-512), and the caller makes it again when something has happened.
 *
 * @param call the Linux name, or the number in the table of `arch`
 * @returns the result: a negative errno, else a value from 0 (a bigint above 2^53 - 1)
 * @throws {RangeError} an argument of the call that is a number and no safe integer
 * @throws {TypeError} the task has exited, before or by a rule that is set on the call, or is pid 1, which
 *   stands for the kernel and runs nothing
 */
export function doSyscall(
  task: TaskStruct,
  call: SyscallName | (string & {}) | number,
  args: readonly (number | bigint)[],
  arch: SyscallArch = 'x86_64',
): U64 {
  if (task.exited) throw new TypeError(`task: ${task.pid} has exited`);
  if (task === task.kernel.init)
    throw new TypeError('task: pid 1 is the kernel’s own, it makes no calls');
  if (mustAct(task)) return acting(task, doSyscall.bind(null, task, call, args, arch));
  const table = tableOf(arch);
  const entry = typeof call === 'number' ? table.byNumber[call] : table.byName.get(call);
  actAs(task);
  let result: U64 = -ENOSYS;
  try {
    const answer =
      task.seccomp === null ? null : enterSeccomp(task, { nr: numberOf(call, arch), args, arch });
    if (answer === null) {
      if (task.kernel.entry !== null) enter(task, table, call, args[0]);
      if (entry !== undefined) result = callEntry(entry, task, args);
    } else {
      result = answer;
    }
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
    result = error.errno;
  }
  if (result === -ERESTARTSYS) notePassed(task, call, arch);
  else if (isAsleep(task)) endSleep(task);
  return result;
}

/** Filters see numbers, whatever the embedder calls by. */
function numberOf(call: string | number, arch: SyscallArch): number {
  if (typeof call === 'number') return call | 0;
  const numbers: Readonly<Record<string, number>> = arch === 'x86_64' ? NR_X86_64 : NR_GENERIC;
  return numbers[call] ?? -1;
}

/** A call whose filters let it pass is not asked about again when it has slept. */
function notePassed(task: TaskStruct, call: string | number, arch: SyscallArch): void {
  if (task.seccomp === null || task.notification !== null || task.filterTraced) return;
  task.filterPassed = numberOf(call, arch);
}

/** The registers of the call under way, for short forms, which make no other call. */
const taken = new Float64Array(6);

/** Takes so many registers, if all are there and numbers. */
function takeRegisters(args: readonly (number | bigint)[], count: number): boolean {
  if (args.length < count) return false;
  for (let i = 0; i < count; i++) {
    const value = args[i] as number | bigint;
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return false;
    taken[i] = value;
  }
  return true;
}

function callEntry(entry: Entry, task: TaskStruct, args: readonly (number | bigint)[]): U64 {
  if (entry.ready !== null && takeRegisters(args, entry.registers)) {
    const result = entry.ready(task, taken);
    if (result !== NOT_READY) return result;
  }
  return callHandler(entry, task, args);
}

/** A register by its number; missing ones are 0. */
function nth(args: readonly (number | bigint)[], i: number): U64 {
  return i < args.length ? register(args[i] as number | bigint) : 0;
}

/** Calls a handler with the registers that it declares. */
function callHandler(
  { handler, registers }: Entry,
  task: TaskStruct,
  args: readonly (number | bigint)[],
): U64 {
  if (registers === 0) return (handler as Declaring<[]>)(task);
  const a0 = nth(args, 0);
  if (registers === 1) return (handler as Declaring<[U64]>)(task, a0);
  const a1 = nth(args, 1);
  if (registers === 2) return (handler as Declaring<[U64, U64]>)(task, a0, a1);
  const a2 = nth(args, 2);
  if (registers === 3) return (handler as Declaring<[U64, U64, U64]>)(task, a0, a1, a2);
  return handler(task, a0, a1, a2, nth(args, 3), nth(args, 4), nth(args, 5));
}

/** A handler that declares so many registers, and looks at no others. */
type Declaring<Registers extends U64[]> = (task: TaskStruct, ...registers: Registers) => U64;
