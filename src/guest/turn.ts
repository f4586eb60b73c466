import { EFAULT, EINTR, ENOMEM, ENOSYS, EPIPE, ERESTARTSYS } from '../../assembly/abi/errno.js';
import type { CpuStop } from '../api/cpu.js';
import { taskOf } from '../api/task.js';
import { LinuxError } from '../errno.js';
import { deliverPending, sendSignal } from '../kernel/deliver.js';
import { doExitGroup } from '../kernel/exit.js';
import { forceSignal } from '../kernel/force-signal.js';
import { cpuTimerLeft, hasTimers, nextTimer, runTimers } from '../kernel/itimer.js';
import { outOfMemory } from '../kernel/oom-kill.js';
import { SIG_SETMASK, sigprocmask } from '../kernel/sigaction.js';
import { makeSiginfo, type QueuedSignal, SI_KERNEL, SI_USER } from '../kernel/siginfo.js';
import { SIGBUS, SIGILL, SIGKILL, SIGPIPE, SIGSEGV, SIGTRAP } from '../kernel/signal.js';
import { stopAtSyscallEntry } from '../kernel/ptrace-syscall.js';
import { endSleep } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import { socketOf } from '../net/socket-file.js';
import { int } from '../syscall/args.js';
import { doSyscall, syscallName } from '../syscall/dispatch.js';
import { writeTimespec } from '../syscall/time.js';
import type { FdTable } from '../vfs/fdtable.js';
import { BIRTHS, callCost, LOCKS_PI, NEVER_RESTARTED, WRITES } from './cpu-calls.js';
import type { GuestCall } from './guest-options.js';
import { type Call, GuestThread } from './guest-thread.js';
import type { Scheduler } from './scheduler.js';
import { leaveHandler } from './signal-frame.js';
import { faultInfo, handleSignal, nextCaught, restartSequence, signalsWait } from './signals.js';

const SA_RESTART = 0x10000000n;
// si_code: include/uapi/asm-generic/siginfo.h
const CODES: Readonly<Record<string, number>> = {
  SEGV_MAPERR: 1,
  SEGV_ACCERR: 2,
  BUS_ADRALN: 1,
  BUS_ADRERR: 2,
};
const ILL_ILLOPC = 1;
const TRAP_BRKPT = 1;

/** A turn lasts so many times its instructions at most, where calls cost more than they. */
const COSTLY = 10;
/** Instructions between two looks at timers that go by a clock of the host's. */
const TIMER_LOOK = 20_000;

function callName(nr: number): string {
  return syscallName(nr, 'riscv64') ?? `syscall_${nr}`;
}

/** One thread's turn: instructions, calls, faults and signals. */
export class Turn {
  private readonly scheduler: Scheduler;
  private readonly unknown = new Set<string>();

  constructor(scheduler: Scheduler) {
    this.scheduler = scheduler;
  }

  /**
   * Has a thread run.
   *
   * @returns instructions executed, or null when it could not do anything at all
   */
  take(thread: GuestThread, fuel: number): number | null {
    const { struct } = thread;
    // Also one that is held back: somebody may wait for it.
    if (runTimers(struct)) this.scheduler.happened();
    deliverPending(struct);
    if (!thread.runs) return this.leaveOut(thread);
    const entered = struct.entered;
    // To look whether one that sleeps may go on is not its time.
    if (!entered && !this.wakes(thread)) return null;
    this.scheduler.takesCpu(thread);
    if (entered) this.enterAgain(thread);
    if (thread.parked === null) restartSequence(thread.cpu, struct);
    const start = thread.startCharging();
    const end = this.scheduler.charged + COSTLY * fuel;
    let left = fuel;
    while (left > 0 && this.scheduler.charged < end && thread.runs && thread.parked === null) {
      const before = thread.charged;
      this.go(thread, hasTimers(struct) ? this.untilTimer(struct, left) : left);
      this.scheduler.charge(thread);
      left -= Math.max(thread.charged - before, 1);
      if (hasTimers(struct) && runTimers(struct)) this.scheduler.happened();
      if (signalsWait(struct)) this.takeSignals(thread);
    }
    return thread.charged - start;
  }

  /** A thread that is stopped, or in a vfork, has no turn. */
  private leaveOut({ parked }: GuestThread): null {
    if (parked !== null) parked.stopped = true;
    return null;
  }

  /** Instructions until a timer of its process may go off: exactly, where the clock goes by them. */
  private untilTimer(struct: TaskStruct, left: number): number {
    if (this.scheduler.options.clock === undefined) return Math.min(left, TIMER_LOOK);
    const ms = Math.min(cpuTimerLeft(struct), nextTimer(struct) - struct.kernel.time());
    return Math.max(Math.min(left, Math.ceil(ms * 1e6)), 1);
  }

  /** A thread that sleeps: whether its call is over, by itself or by a signal. */
  private wakes(thread: GuestThread): boolean {
    const { parked, struct } = thread;
    if (parked === null) {
      this.takeSignals(thread);
      return thread.runs;
    }
    const woken = struct.waiting?.woken === true;
    if (parked.stopped && !woken && this.takeSignals(thread))
      return thread.parked === null && thread.runs;
    if (struct.ptrace?.syscalls && !struct.ptrace.inSyscall) {
      // Its tracer came while it slept: a signal ends the call, or it is begun anew, and told.
      if (woken || !this.takeSignals(thread)) thread.restart();
      return thread.runs && thread.parked === null;
    }
    const due = struct.sleep !== null && struct.sleep.until <= struct.kernel.time();
    // What a call waits for comes before a signal, as in wait_event_interruptible(), do_wait() and fifo_open().
    const happened = parked.epoch !== this.scheduler.epoch || due || woken;
    if (happened) this.call(thread, parked.call);
    return (this.takeSignals(thread) || happened) && thread.parked === null && thread.runs;
  }

  /** Instructions up to whatever stops them. */
  private go(thread: GuestThread, fuel: number): void {
    let stop: CpuStop;
    try {
      stop = thread.cpu.run(fuel);
    } catch (error) {
      if (!(error instanceof LinuxError)) throw error;
      this.outOfMemory(thread.struct);
      return;
    }
    if (stop.reason === 'ecall') this.arrive(thread);
    else if (stop.reason !== 'fuel') this.fault(thread, stop);
  }

  /** The instruction is executed again, if who asked for memory was not the one to die. */
  private outOfMemory(struct: TaskStruct): boolean {
    const line = outOfMemory(struct.kernel);
    if (line === null) doExitGroup(struct, SIGKILL);
    this.scheduler.happened();
    this.scheduler.options.onLog?.(line ?? `Out of memory: Killed process ${struct.tgid}`);
    return !struct.exited;
  }

  private fault(thread: GuestThread, stop: Exclude<CpuStop, { reason: 'fuel' | 'ecall' }>): void {
    const { pc } = stop;
    if (stop.reason === 'fault') {
      const { signal, code, address } = stop;
      // A userfaultfd has it: the access is made again.
      if (signal === null) return;
      const number = signal === 'SIGSEGV' ? SIGSEGV : SIGBUS;
      this.force(thread, { signal: number, info: faultInfo(number, CODES[code] ?? 0, address) });
    } else if (stop.reason === 'ebreak') {
      this.force(thread, { signal: SIGTRAP, info: faultInfo(SIGTRAP, TRAP_BRKPT, pc) });
    } else {
      this.force(thread, { signal: SIGILL, info: faultInfo(SIGILL, ILL_ILLOPC, pc) });
    }
  }

  private force(thread: GuestThread, forced: QueuedSignal): void {
    const { struct, cpu } = thread;
    forceSignal(struct, forced);
    // Its handler begins before anybody is told.
    const caught = struct.caughtSignals?.[0] === forced ? nextCaught(struct) : null;
    if (caught !== null) handleSignal(cpu, struct, caught);
    this.scheduler.happened();
    // One that kills is told of when the thread is gone.
    if (!struct.exited) this.scheduler.options.onSignal?.({ task: thread.task, ...forced });
  }

  /** An ecall: whoever traces the thread may want to see it first. */
  private arrive(thread: GuestThread): void {
    if (stopAtSyscallEntry(thread.struct)) this.scheduler.happened();
    else this.enter(thread, thread.readCall(callName));
  }

  /** Its tracer has let it go on from the beginning of a call, which may be another now. */
  private enterAgain(thread: GuestThread): void {
    thread.struct.entered = false;
    this.enter(thread, thread.readCall(callName));
    this.takeSignals(thread);
  }

  private enter(thread: GuestThread, call: Call): void {
    const { onEnter } = this.scheduler.options;
    if (onEnter !== undefined) onEnter(eventOf(thread, call, null));
    this.call(thread, call);
  }

  /** Makes a call, for the first time or again. */
  private call(thread: GuestThread, call: Call): void {
    const { struct } = thread;
    if (call.name === 'rt_sigreturn') return this.sigreturn(thread, call);
    const begins = thread.parked === null;
    if (this.scheduler.options.clock !== undefined) this.scheduler.charge(thread);
    const exits = call.name === 'exit' || call.name === 'exit_group';
    if (exits) this.tell(thread, call, null);
    const before = struct.sleep?.done ?? 0;
    if (struct.ptrace !== null) struct.ptrace.calling = true;
    const result = this.resultWithMemory(thread, call);
    // What is made again after a sleep is one call.
    if (begins || result > 0) this.scheduler.charge(thread, callCost(call.name, result));
    if (result === -ERESTARTSYS && !struct.exited) {
      if (struct.ptrace !== null) struct.ptrace.calling = false;
      // A filter has it stop for its tracer before the call.
      if (struct.entered) return this.scheduler.happened();
      // A supervisor is to hear of it.
      if (struct.notification !== null) this.scheduler.happened();
      // What it did in part is something that others wait for.
      if ((struct.sleep?.done ?? 0) !== before) this.scheduler.happened();
      thread.park(call, this.scheduler.epoch);
      struct.sleep ??= { call: call.name, until: Infinity };
      return;
    }
    this.scheduler.happened();
    if (!struct.exited) thread.answer(result);
    if (!exits) this.tell(thread, call, result);
    if (struct.exited) return;
    if (result === -ENOSYS) this.isUnknown(call.name);
    if (result === -EPIPE && WRITES.has(call.name) && !sendsMessages(struct, call))
      sendSignal(struct, SIGPIPE, { info: makeSiginfo(SIGPIPE, SI_USER, struct) });
    if (result === 0 && (call.name === 'execve' || call.name === 'execveat')) thread.enterProgram();
    if (result > 0 && BIRTHS.has(call.name)) this.born(thread, Number(result));
    this.leave(struct);
  }

  /** Where a call finds no memory somebody is killed, and it is made again (__alloc_pages_may_oom()). */
  private resultWithMemory(thread: GuestThread, call: Call): number | bigint {
    const { struct } = thread;
    let result = this.result(thread, call);
    while ((result === -ENOMEM || result === -EFAULT) && !struct.exited && ranShort(struct)) {
      if (!this.outOfMemory(struct)) break;
      result = this.result(thread, call);
    }
    return result;
  }

  /** A rule of the machine's may end the caller before its call is made. */
  private result({ struct }: GuestThread, { nr, args }: Call): number | bigint {
    try {
      return doSyscall(struct, nr, args, 'riscv64');
    } catch (error) {
      if (struct.exited && error instanceof TypeError) return 0;
      throw error;
    }
  }

  /** A task that was just born has its parent's registers already; see copyProcess(). */
  private born({ struct }: GuestThread, tid: number): void {
    const child = struct.kernel.findTask(tid);
    if (child !== null && !child.exited) this.scheduler.add(new GuestThread(taskOf(child)));
  }

  /** A call is over: its tracer may want to see that. */
  private leave(struct: TaskStruct): void {
    const { ptrace } = struct;
    if (ptrace === null) return;
    ptrace.calling = false;
    ptrace.leaving = true;
    deliverPending(struct);
    this.scheduler.happened();
  }

  private sigreturn(thread: GuestThread, call: Call): void {
    const { struct, cpu } = thread;
    this.tell(thread, call, 0);
    if (struct.mm === null || !leaveHandler(cpu, struct, struct.mm)) {
      this.force(thread, { signal: SIGSEGV, info: makeSiginfo(SIGSEGV, SI_KERNEL) });
      return;
    }
    sigprocmask(struct, SIG_SETMASK, struct.blocked);
    this.leave(struct);
  }

  /** Has handlers run for the signals that wait; true when there was one. */
  private takeSignals(thread: GuestThread): boolean {
    const { struct, cpu } = thread;
    if (struct.notification?.killable === true) return false;
    let any = false;
    for (let next = nextCaught(struct); next !== null; next = nextCaught(struct)) {
      any = true;
      const mask = struct.savedSigmask ?? struct.blocked;
      if (thread.parked !== null) this.interrupt(thread, thread.parked.call, next.signal);
      this.scheduler.options.onSignal?.({ task: thread.task, ...next });
      handleSignal(cpu, struct, next, mask);
    }
    return any;
  }

  /** A handler ends the sleep of a call: with EINTR, or to be made again after it. */
  private interrupt(thread: GuestThread, call: Call, signal: number): void {
    const { struct } = thread;
    const restarts = (struct.sighand.action(signal).flags & SA_RESTART) !== 0n;
    const again = alwaysRestarted(call) || (restarts && !neverRestarted(call));
    const done = struct.sleep?.done ?? 0;
    if (!again) storeRest(thread, call);
    // The handler runs under the mask of the call (ppoll, rt_sigsuspend), which its end undoes.
    struct.savedSigmask = null;
    endSleep(struct);
    // What it has done in part is its result.
    const result = done > 0 ? done : again ? -ERESTARTSYS : -EINTR;
    if (struct.ptrace !== null) struct.ptrace.inSyscall = false;
    if (result === -ERESTARTSYS) thread.restart();
    else thread.answer(result);
    this.tell(thread, call, result);
  }

  private tell(thread: GuestThread, call: Call, result: number | bigint | null): void {
    const { onCall } = this.scheduler.options;
    if (onCall !== undefined) onCall(eventOf(thread, call, result));
  }

  private isUnknown(name: string): void {
    if (this.unknown.has(name)) return;
    this.unknown.add(name);
    this.scheduler.options.onUnknownCall?.(name);
  }
}

/** What callbacks are told of a call; made only where there is one. */
function eventOf({ task }: GuestThread, call: Call, result: number | bigint | null): GuestCall {
  return { task, ...call, args: call.args.map(BigInt), result };
}

/** Whether there were no pages for it; a limit is none of the allocator's business. */
function ranShort({ kernel }: TaskStruct): boolean {
  return kernel.core.exports.ranShort();
}

/** Whether a write is to a socket of messages, which gives no SIGPIPE. */
function sendsMessages({ files }: TaskStruct, { args }: Call): boolean {
  const file = (files as FdTable | null)?.getRaw(int(args[0] ?? 0)) ?? null;
  return file !== null && socketOf(file)?.isStream === false;
}

/** A futex with a length of time is not waited for anew. */
function neverRestarted({ name, args }: Call): boolean {
  return NEVER_RESTARTED.has(name) || (name === 'futex' && args[3] !== 0);
}

/** Whoever waits for a lock with priority inheritance does not hear of a handler (-ERESTARTNOINTR). */
function alwaysRestarted({ name, args }: Call): boolean {
  return name === 'futex' && LOCKS_PI.has(int(args[1] ?? 0) & 0x7f);
}

/** nanosleep() tells how much of it is left. */
function storeRest({ struct }: GuestThread, { name, args }: Call): void {
  const rest = name === 'nanosleep' ? args[1] : name === 'clock_nanosleep' ? args[3] : undefined;
  const absolute = name === 'clock_nanosleep' && (int(args[1] ?? 0) & 1) !== 0;
  if (rest === undefined || rest === 0 || absolute || struct.sleep === null) return;
  try {
    writeTimespec(struct, rest, Math.max(struct.sleep.until - struct.kernel.time(), 0));
  } catch (error) {
    if (!(error instanceof LinuxError)) throw error;
  }
}
