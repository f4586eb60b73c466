import type { U64 } from '../mm/address.js';
import type { Hart } from '../mm/hart.js';
import type { MmLimits } from '../mm/limits.js';
import { groupRusage, type Rusage, threadRusage } from './rusage.js';
import type { Cred } from './cred.js';
import type { SemUndoList } from './ipc/sem.js';
import type { Itimer } from './itimer.js';
import type { Kernel } from './kernel.js';
import type { MmStruct } from './mm-struct.js';
import type { Pid } from './pid.js';
import type { PosixTimers } from './posix-timer.js';
import type { PtraceLink } from './ptrace-link.js';
import type { Rlimits } from './rlimit.js';
import type { Rseq } from './rseq.js';
import { newSchedState, type SchedState } from './sched-state.js';
import type { SignalStack } from './sighand.js';
import { NO_SIGNAL_STACK, Sighand } from './sighand.js';
import type { Seccomp } from './seccomp.js';
import type { SeccompNotification } from './seccomp-notify.js';
import type { Sleep, Waiting } from './sleep.js';
import type { QueuedSignal } from './siginfo.js';
import { PendingSignals } from './siginfo.js';
import type { TaskFiles, TaskFs } from './task-files.js';
import { type Linked, TaskList } from './task-list.js';
import type { ControllingTty } from './tty-jobctrl.js';

// Flags of a task: include/linux/sched.h
export const PF_EXITING = 0x4;
/** Forked and has not run an exec since. */
export const PF_FORKNOEXEC = 0x40;
/** Used root's rights since its last exec. */
export const PF_SUPERPRIV = 0x100;
/** Killed by a signal. */
export const PF_SIGNALED = 0x400;
export const PF_KTHREAD = 0x200000;

/**
 * Letters of /proc/PID/stat: running or runnable, sleeping, uninterruptible, stopped by job
 * control, stopped for a tracer, zombie, dead and reaped.
 */
export type TaskState = 'R' | 'S' | 'D' | 'T' | 't' | 'Z' | 'X';

/** A parent in vfork and the child that borrows its memory. */
export interface VforkWait {
  readonly parent: TaskStruct;
  readonly child: TaskStruct;
  /** The child has given the memory back, by exec or exit. */
  done: boolean;
}

/**
 * A thread group: what all threads of a process share (signal_struct).
 * @see include/linux/sched/signal.h, struct signal_struct
 */
export class ThreadGroup implements Linked<ThreadGroup> {
  /** The thread whose number is the process's; changes when another thread runs an exec. */
  leader: TaskStruct;
  /**
   * All threads not yet reaped, the leader first; a leader that exited stays until the group is
   * reaped (K-034).
   */
  readonly threads = new TaskList<TaskStruct>();
  /** The thread that waits for this process (real_parent); null for pid 1 only. */
  parent: TaskStruct | null;
  /** Its neighbours among the children of its parent. */
  prev: ThreadGroup | null = null;
  next: ThreadGroup | null = null;
  /** Resource limits; changed by prlimit. */
  rlimits: Rlimits;
  /** Process group and session; each counts as a user of its number. */
  pgrp: Pid;
  session: Pid;
  /** The terminal that controls its session; null without. Inherited by fork, given up by setsid. */
  tty: ControllingTty | null = null;
  /** The foreground of a terminal that went away, to be told when this leader of a session exits; 0 for none. */
  ttyOldPgrp = 0;
  /** Scheduling group of the session, made by setsid; null in the first. */
  autogroup: Autogroup | null = null;
  /** Orphans below come to this process rather than to pid 1 (PR_SET_CHILD_SUBREAPER). */
  isChildSubreaper = false;
  /** Some ancestor is a subreaper: worth looking for one. */
  hasChildSubreaper = false;
  /** Signals that wait for any of its threads. */
  readonly sharedPending: PendingSignals;
  /** Signal of the group stop in force (SIGNAL_STOP_STOPPED); 0 while it runs. */
  stopSignal = 0;
  /** Wait status of a group stop nobody has waited for yet; null when there is none. */
  stopCode: number | null = null;
  /** Wait status once the whole group is to die; null before. */
  groupExitCode: number | null = null;
  /** PR_TIMER_CREATE_RESTORE_IDS: makers of timers choose their numbers. */
  timerRestoreIds = false;
  /** How ready the out-of-memory killer is to choose it, -1000 to 1000; inherited by fork. */
  oomScoreAdj = 0;
  /** What oomScoreAdj may be lowered to without CAP_SYS_RESOURCE. */
  oomScoreAdjMin = 0;
  /** ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF; null while none of them is set. */
  itimers: (Itimer | null)[] | null = null;
  /** Those of timer_create(); null before the first. */
  posixTimers: PosixTimers | null = null;
  /** What its threads that are gone had of the CPU, and processes it has waited for; null for nothing. */
  exitedRusage: Rusage | null = null;
  childrenRusage: Rusage | null = null;
  /** Pid 1: signals without a handler do nothing to it. */
  unkillable = false;

  constructor(leader: TaskStruct, parent: TaskStruct | null, rlimits: Rlimits, ids: GroupIds) {
    this.leader = leader;
    this.parent = parent;
    this.rlimits = rlimits;
    this.pgrp = ids.pgrp;
    this.session = ids.session;
    this.sharedPending = new PendingSignals(leader.kernel.signalCounts);
  }

  /** Number of the process. */
  get tgid(): number {
    return this.leader.pid;
  }

  /** Milliseconds of CPU that its threads have had (thread_group_cputime()). */
  cpuTime(): number {
    return groupRusage(this).ms;
  }

  /** Number of the process group. */
  get pgid(): number {
    return this.pgrp.nr;
  }

  /** Number of the session. */
  get sid(): number {
    return this.session.nr;
  }
}

/** What all processes of a session share of the CPU (kernel/sched/autogroup.h, struct autogroup). */
export interface Autogroup {
  readonly id: number;
  /** -20 to 19; changed through /proc/PID/autogroup. */
  nice: number;
}

/** Process group and session a new process starts in. */
export interface GroupIds {
  readonly pgrp: Pid;
  readonly session: Pid;
}

/** What a thread has read and written (struct task_io_accounting). */
export interface TaskIoAccounting {
  /** Bytes. */
  rchar: number;
  wchar: number;
  /** Calls. */
  syscr: number;
  syscw: number;
}

/** What a task is made of; see TaskStruct. */
export interface TaskInit {
  readonly kernel: Kernel;
  readonly cred: Readonly<Cred>;
  readonly mm: MmStruct | null;
  readonly files: TaskFiles | null;
  readonly fs: TaskFs | null;
  readonly comm: string;
  readonly exitSignal: number;
  readonly flags: number;
}

/**
 * A thread. The process is its thread group. What every access by or to it asks for comes first: an
 * engine keeps the fields in this order, and among many tasks each cache line counts.
 * @see include/linux/sched.h, struct task_struct
 */
export class TaskStruct implements Linked<TaskStruct> {
  /**
   * Its number; replaced when an exec makes another thread the leader. Null before it is attached
   * only.
   */
  threadPid!: Pid;
  /** The process it belongs to. */
  group!: ThreadGroup;
  /** Credentials; replaced as a whole by commitCreds(). */
  cred: Readonly<Cred>;
  /** Memory, of which it is one user; null for kernel threads and after exit. */
  mm: MmStruct | null;
  /** PF_* bits. */
  flags: number;
  readonly kernel: Kernel;
  /** Open files; null after exit. */
  files: TaskFiles | null;
  /** Root and working directory; null after exit. */
  fs: TaskFs | null;
  /**
   * Name, at most 15 bytes, one character each (see comm.ts); set by exec, prctl and
   * /proc/PID/comm.
   */
  comm: string;
  /** Its neighbours among the threads of its process. */
  prev: TaskStruct | null = null;
  next: TaskStruct | null = null;
  /** What it does at signals; replaced by exec where it was shared. */
  sighand = new Sighand();
  /** See TaskState. */
  state: TaskState = 'R';
  /** The machine went back to a moment before this task was made. */
  undone = false;
  /** Wait status of this thread: code << 8, or the signal. */
  exitCode = 0;
  /** Signal to the parent on exit, 0 for none; -1 for a thread that is not the leader. */
  exitSignal: number;
  /** PR_SET_NO_NEW_PRIVS: exec gives nothing; inherited, never cleared. */
  noNewPrivs = false;
  /** How its calls are filtered; null when they are not. Inherited, never given up. */
  seccomp: Seccomp | null = null;
  /** The call of its that a supervisor is asked about; null when none is. */
  notification: SeccompNotification | null = null;
  /** Number of the call that its filters let pass and that sleeps now; -1 for none. */
  filterPassed = -1;
  /** It stopped for its tracer because a filter said so, and is to make that call. */
  filterTraced = false;
  /** PR_SET_PDEATHSIG: signal this thread gets when its parent thread exits; 0 for none. */
  pdeathSignal = 0;
  /** PR_MCE_KILL: 0 late, 1 early, 2 as the machine is set up; inherited by fork. */
  mceKill = 2;
  /** PR_SET_IO_FLUSHER; inherited by fork. */
  ioFlusher = false;
  /** Where 0 is stored when it ends while others use its memory; 0 for nowhere. */
  clearChildTid: U64 = 0;
  /** Whether the memory was dumpable by its user when the task left it (K-047). */
  userDumpable = false;
  /** How it is traced; null when it is not. */
  ptrace: PtraceLink | null = null;
  /** The processes it made or inherited, in the order they came; null before the first. */
  ownChildren: TaskList<ThreadGroup> | null = null;
  /** Threads it traces; null until it traces one. */
  ptraced: Set<TaskStruct> | null = null;
  /** Wait status of a stop its tracer has not waited for yet; null when there is none. */
  stopCode: number | null = null;
  /** Signals for this thread that wait until it runs, no longer blocks them, or a CPU takes them. */
  readonly pendingSignals: PendingSignals;
  /** Signals held back, n as bit n - 1; inherited. */
  blocked = 0n;
  /**
   * Signals that its tracer let through to a handler, the next ones for a CPU (see takeCaught()); null
   * before the first.
   */
  caughtSignals: QueuedSignal[] | null = null;
  /** The stack for its handlers (sigaltstack()). */
  signalStack: SignalStack = NO_SIGNAL_STACK;
  /** What a call that sleeps noted for when it is made again; null when none sleeps. */
  sleep: Sleep | null = null;
  /** The queue it waits in, or was woken from; null when it waits in none. */
  waiting: Waiting | null = null;
  /** The mask to go back to when a call with a mask of its own ends; null without such a call. */
  savedSigmask: bigint | null = null;
  /** Its area for restartable sequences; null without. */
  rseq: Rseq | null = null;
  /** What is taken back of semaphores when it ends; null for nothing. */
  semUndo: SemUndoList | null = null;
  /** Head of the list of the locks it holds (set_robust_list()); 0 for none. */
  robustList: U64 = 0;
  /** The signal that it ended its process with; null unless it took one. */
  killedBy: QueuedSignal | null = null;
  /** It stopped for its tracer before a system call, which it makes as soon as it runs. */
  entered = false;
  /** a0 of a call that its tracer was told is interrupted, while the hart shows the result of that; else null. */
  interruptedArg: bigint | null = null;
  /** Exit status it stopped with at PTRACE_EVENT_EXIT; null before. */
  exitingWith: number | null = null;
  /** Its vfork, as parent and as child; null without. */
  vforkWait: VforkWait | null = null;
  vforkedBy: VforkWait | null = null;
  /** A continue (SIGCONT) nobody has waited for yet. */
  continued = false;
  /** Niceness, from 19 down to -20; inherited by fork. */
  nice = 0;
  /** Its policy and priorities, kept and told. */
  readonly sched: SchedState = newSchedState();
  /** Nanoseconds its timers may be late, and what writing 0 makes of that; inherited by fork. */
  timerSlackNs = 50000n;
  defaultTimerSlackNs = 50000n;
  /** What bounds its mappings, kept for as long as it is current. */
  mmLimits: (MmLimits & { isCurrent(): boolean }) | null = null;
  /** Execution domain and its flags (personality(2)); inherited by fork. */
  personality = 0;
  /** Bytes and calls of reads and writes, as /proc/PID/io counts them. */
  readonly ioac: TaskIoAccounting = { rchar: 0, wchar: 0, syscr: 0, syscw: 0 };
  /** What it has had of the CPU, up to when it was charged last; null before it ran. */
  rusage: Rusage | null = null;
  /** Milliseconds since the kernel started. */
  readonly startTime: number;
  /** The registers of the CPU at its last stop, as user_regs_struct; null where no CPU runs it. */
  regs: Uint8Array | null = null;
  /** Its floating point registers, as the 512 bytes of fxsave; null where nobody set them. */
  fpregs: Uint8Array | null = null;
  /** The RISC-V CPU that runs it; null until somebody asks for it. */
  hart: Hart | null = null;

  constructor(init: TaskInit) {
    this.kernel = init.kernel;
    this.cred = init.cred;
    this.mm = init.mm;
    this.files = init.files;
    this.fs = init.fs;
    this.comm = init.comm;
    this.exitSignal = init.exitSignal;
    this.flags = init.flags;
    this.pendingSignals = new PendingSignals(init.kernel.signalCounts);
    this.startTime = init.kernel.time();
  }

  /** Number of the thread. */
  get pid(): number {
    return this.threadPid.nr;
  }

  /** Number of the process. */
  get tgid(): number {
    return this.group.tgid;
  }

  /** Milliseconds of CPU that it has had. */
  get cpuTime(): number {
    return threadRusage(this).ms;
  }

  /** Whether its number is the process's (thread_group_leader()). */
  get isLeader(): boolean {
    return this.group.leader === this;
  }

  /** The thread that waits for its process; null for pid 1. */
  get parent(): TaskStruct | null {
    return this.group.parent;
  }

  /** Leaders of the processes its process waits for. */
  get children(): TaskStruct[] {
    const lists = Array.from(this.group.threads, ({ ownChildren }) => [...(ownChildren ?? [])]);
    return lists.flat().map(({ leader }) => leader);
  }

  /** Becomes the parent of a process. */
  adopt(child: ThreadGroup): void {
    child.parent = this;
    (this.ownChildren ??= new TaskList()).push(child);
  }

  /** Who traces it; null when nobody does. */
  get ptracer(): TaskStruct | null {
    return this.ptrace?.tracer ?? null;
  }

  /** Whether it has exited (a zombie, or reaped). */
  get exited(): boolean {
    return this.state === 'Z' || this.state === 'X';
  }

  /** Whether it is a kernel thread. */
  get isKthread(): boolean {
    return (this.flags & PF_KTHREAD) !== 0;
  }
}

/** Tells whether two threads belong to one process (same_thread_group()). */
export function sameThreadGroup(a: TaskStruct, b: TaskStruct): boolean {
  return a.group === b.group;
}

/** Tells whether a thread is the only one of its process not yet reaped (thread_group_empty()). */
export function threadGroupEmpty(task: TaskStruct): boolean {
  return task.group.threads.length === 1;
}
