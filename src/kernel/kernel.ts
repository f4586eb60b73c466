import type { Core } from '../wasm/core.js';
import { newCpuStat, newOnCpu } from './rusage.js';
import { makeCred } from './cred.js';
import { doExitGroup } from './exit.js';
import { createProcess } from './fork.js';
import type { FutexWait } from './futex.js';
import { makeIpcNamespace } from './ipc/ipc.js';
import { newLoadAverage } from './loadavg.js';
import { PidTable } from './pid.js';
import { ProcessCount } from './process-count.js';
import type { KernelProfile } from './profile.js';
import { DEFAULT_PROFILE } from './profile.js';
import { limitThreads } from './rlimit.js';
import { SecurityHooks } from './security.js';
import { type FillRandom, Random } from './random.js';
import { SIG_IGN } from './sighand.js';
import type { SignalCounts } from './siginfo.js';
import { SIGCHLD, SIGKILL } from './signal.js';
import { SyscallEntry } from './syscall-entry.js';
import { Sysctl } from './sysctl.js';
import type { TaskStruct } from './task.js';
import type { UserNamespace } from './userns.js';
import { makeInitUserNs } from './userns.js';
import { Vdso } from './vdso.js';

/** PROC_DYNAMIC_FIRST of fs/proc/generic.c: inode numbers of namespaces made later. */
const PROC_DYNAMIC_FIRST = 0xf0000000;

/** What a kernel is built with. */
export interface KernelOptions {
  /** Settings that differ from DEFAULT_PROFILE. */
  readonly profile?: Partial<KernelProfile>;
  /** Clock in milliseconds (default: the host's). */
  readonly now?: () => number;
  /** Fills an array of at most RANDOM_CHUNK bytes with random ones (default: the host's). */
  readonly random?: FillRandom;
  /** Where random bytes begin, the same ones every time; absent: they are those of `random`. */
  readonly seed?: number;
}

/**
 * The kernel of one machine: its tasks, numbers, settings and security modules. It has no module
 * installed; without `capability` every capability is granted, as in a kernel without it.
 */
export class Kernel {
  /** The memory of the machine. */
  readonly core: Core;
  /** Name and boot parameters. */
  readonly profile: KernelProfile;
  /** uname -n: the profile's, until /proc/sys/kernel/hostname is written. */
  nodename: string;
  /** What setdomainname() stored. */
  domainname = '(none)';
  /** Where pid 1 lives, and where machine-wide rights count. */
  readonly initUserNs: UserNamespace;
  /** Settings under /proc/sys. */
  readonly sysctl: Sysctl;
  /** The installed security modules. */
  readonly security: SecurityHooks;
  /** What calls pass before they are done; null while nothing is asked of them. */
  entry: SyscallEntry | null;
  /** Random bytes. */
  readonly random: Random;
  /** /proc/sys/kernel/random/boot_id; null until somebody looks. */
  bootId: string | null = null;
  /** Process numbers. */
  readonly pids: PidTable;
  /** Threads of each user. */
  readonly processes = new ProcessCount();
  /** The number of the last autogroup made, and when the next may be changed, in milliseconds. */
  readonly autogroups = { last: 0, nextChange: 0 };
  /** When the first timer that a sleeping call looked at goes off; Infinity for none, ms of time(). */
  nextTimer = Infinity;
  /** What the CPU has done so far, and how many wanted it on average. */
  readonly cpuStat = newCpuStat();
  readonly onCpu = newOnCpu();
  readonly load = newLoadAverage();
  /** How many signals wait for each user's tasks. */
  readonly signalCounts: SignalCounts = new Map();
  /** What every program finds mapped as [vdso]; for programs of riscv64 another. */
  readonly vdso: Vdso;
  readonly vdsoRiscv64: Vdso;
  /** Semaphores and message queues of System V. */
  readonly ipc = makeIpcNamespace();
  /** Tasks that wait at a futex, in the order they came. */
  readonly futexWaits: FutexWait[] = [];
  /** Pid 1: made by the kernel, never runs, reaps its children at once. */
  readonly init: TaskStruct;
  private readonly now: () => number;
  private bootTime: number;
  private namespaces = 0;

  /** Makes a kernel with pid 1. */
  constructor(core: Core, options: KernelOptions = {}) {
    this.core = core;
    this.profile = { ...DEFAULT_PROFILE, ...options.profile };
    this.nodename = this.profile.nodename;
    this.entry = null;
    this.resetEntry();
    this.now = options.now ?? Date.now;
    this.bootTime = this.now();
    this.initUserNs = makeInitUserNs();
    this.random = new Random(options.seed ?? null, options.random);
    this.sysctl = new Sysctl();
    this.security = new SecurityHooks();
    this.pids = new PidTable(this.sysctl);
    this.vdso = new Vdso(core, 'x86_64');
    this.vdsoRiscv64 = new Vdso(core, 'riscv64');
    this.init = createProcess(this, null, { comm: 'init', cred: makeCred(this.initUserNs) });
    const none = { restorer: 0n, flags: 0n, mask: 0n };
    this.init.sighand.set(SIGCHLD, { ...none, handler: SIG_IGN });
    this.init.group.unkillable = true;
    limitThreads(this.init.group.rlimits, this.profile.totalRam);
  }

  /** Milliseconds since the kernel was made. */
  time(): number {
    return this.now() - this.bootTime;
  }

  /** Milliseconds since 1970. */
  realTime(): number {
    return this.now();
  }

  /** Takes milliseconds of the host's clock out of the machine's time: it did not run meanwhile. */
  shiftClock(ms: number): void {
    this.bootTime += ms;
  }

  /** Lets calls in as the profile says, without rules. */
  resetEntry(): void {
    const missing = new Set(this.profile.missingSyscalls);
    this.entry = missing.size === 0 ? null : new SyscallEntry(missing);
  }

  /** Finds a thread by its number, zombies included. */
  findTask(pid: number): TaskStruct | null {
    return this.pids.findTask(pid);
  }

  /** Walks all threads in ascending order of number, zombies included. */
  tasks(): Iterable<TaskStruct> {
    return this.pids.tasks();
  }

  /** Ends every process and frees all memory; the kernel is of no use afterwards. */
  shutdown(): void {
    for (const task of [...this.tasks()]) {
      if (task !== this.init) doExitGroup(task, SIGKILL);
    }
    doExitGroup(this.init, 0);
  }

  /** Gives the inode number of a new namespace. */
  nextNamespaceInum(): number {
    return PROC_DYNAMIC_FIRST + this.namespaces++;
  }
}
