import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { NO_LIMIT } from '../mm/address.js';
import { CAP_SYS_RESOURCE, capable } from './capability.js';
import type { TaskStruct } from './task.js';

// include/uapi/asm-generic/resource.h
export const RLIMIT_CPU = 0;
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_STACK = 3;
export const RLIMIT_CORE = 4;
export const RLIMIT_RSS = 5;
export const RLIMIT_NPROC = 6;
export const RLIMIT_NOFILE = 7;
export const RLIMIT_MEMLOCK = 8;
export const RLIMIT_AS = 9;
export const RLIMIT_LOCKS = 10;
export const RLIMIT_SIGPENDING = 11;
export const RLIMIT_MSGQUEUE = 12;
export const RLIMIT_NICE = 13;
export const RLIMIT_RTPRIO = 14;
export const RLIMIT_RTTIME = 15;
const RLIM_NLIMITS = 16;

/** No limit, as the system calls write it. */
export const RLIM_INFINITY = 0xffffffffffffffffn;

/** fs.nr_open: what RLIMIT_NOFILE can be at most. */
export const NR_OPEN = 1048576n;

/** A soft and a hard limit, unsigned 64-bit, RLIM_INFINITY for none. */
export interface Rlimit {
  readonly cur: bigint;
  readonly max: bigint;
}

/**
 * What the kernel gives pid 1 on a machine of some memory: include/asm-generic/resource.h,
 * INIT_RLIMITS.
 */
const INIT_RLIMITS: Record<number, Rlimit> = {
  [RLIMIT_STACK]: { cur: 8388608n, max: RLIM_INFINITY },
  [RLIMIT_CORE]: { cur: 0n, max: RLIM_INFINITY },
  [RLIMIT_NOFILE]: { cur: 1024n, max: 4096n },
  [RLIMIT_MEMLOCK]: { cur: 8388608n, max: 8388608n },
  [RLIMIT_MSGQUEUE]: { cur: 819200n, max: 819200n },
  [RLIMIT_NICE]: { cur: 0n, max: 0n },
  [RLIMIT_RTPRIO]: { cur: 0n, max: 0n },
};

const UNLIMITED: Rlimit = { cur: RLIM_INFINITY, max: RLIM_INFINITY };

/** A limit in the units of the resource; Infinity for none. */
function asNumber(limit: bigint): number {
  return limit === RLIM_INFINITY ? Infinity : Number(limit);
}

/**
 * The resource limits of a process (signal->rlim).
 * @see include/linux/sched/signal.h
 */
export class Rlimits {
  /** Never changed in place: a child has its parent's until one of them sets a limit. */
  private limits: readonly Rlimit[];
  /** The soft limits as numbers: reads of memory files ask for one each time. */
  private softs: readonly number[];
  /** Counts changes, for whoever keeps what it read. */
  version = 0;

  /** Makes the limits of pid 1, or a copy. */
  constructor(from?: Rlimits) {
    this.limits =
      from?.limits ??
      Array.from({ length: RLIM_NLIMITS }, (_, resource) => INIT_RLIMITS[resource] ?? UNLIMITED);
    this.softs = from?.softs ?? this.limits.map(({ cur }) => asNumber(cur));
  }

  /** Gives the soft limit as a number, Infinity for none (rlimit()). */
  soft(resource: number): number {
    return this.softs[resource] ?? fail(EINVAL);
  }

  /**
   * Gives both limits of a resource.
   * @throws {LinuxError} EINVAL: no such resource
   */
  get(resource: number): Rlimit {
    return this.limits[resource] ?? fail(EINVAL);
  }

  /**
   * Sets both limits without a check (see doPrlimit()).
   * @throws {LinuxError} EINVAL: no such resource
   */
  set(resource: number, limit: Rlimit): void {
    this.get(resource);
    this.limits = this.limits.map((old, i) => (i === resource ? limit : old));
    this.softs = this.limits.map(({ cur }) => asNumber(cur));
    this.version += 1;
  }
}

/** Bytes of memory that one thread may come to by default: eight times its kernel stack. */
const BYTES_PER_THREAD = 8 * 16384;

/** Threads that a memory of so many bytes has room for (kernel/fork.c set_max_threads()). */
export function threadsMax(totalRam: number): number {
  return Math.floor(totalRam / BYTES_PER_THREAD);
}

/**
 * Gives pid 1 the limits that follow from the size of the machine: threads and waiting signals of a user
 * (kernel/fork.c, fork_init()).
 * @param totalRam bytes
 */
export function limitThreads(rlimits: Rlimits, totalRam: number): void {
  const half = BigInt(Math.floor(threadsMax(totalRam) / 2));
  for (const resource of [RLIMIT_NPROC, RLIMIT_SIGPENDING]) {
    rlimits.set(resource, { cur: half, max: half });
  }
}

/**
 * Reads and replaces a limit of a process; gives the old one.
 * @throws {LinuxError} EINVAL: no such resource, or a soft limit above the hard one
 * @throws {LinuxError} EPERM: RLIMIT_NOFILE above fs.nr_open; a raised hard limit without
 *   CAP_SYS_RESOURCE in the initial namespace
 * @see kernel/sys.c, do_prlimit()
 */
export function doPrlimit(
  caller: TaskStruct,
  target: TaskStruct,
  resource: number,
  limit: Rlimit | null,
): Rlimit {
  const { rlimits } = target.group;
  const old = rlimits.get(resource);
  if (limit === null) return old;
  if (limit.cur > limit.max) fail(EINVAL);
  if (resource === RLIMIT_NOFILE && limit.max > NR_OPEN) fail(EPERM);
  if (limit.max > old.max && !capable(caller, caller.kernel.initUserNs, CAP_SYS_RESOURCE)) {
    fail(EPERM);
  }
  rlimits.set(resource, limit);
  if (resource === RLIMIT_STACK && target.mm !== null) target.mm.stackLimit = stackLimit(target);
  if (resource === RLIMIT_AS) target.mm?.limitGrowth(rlimits.soft(RLIMIT_AS));
  return old;
}

/**
 * RLIMIT_STACK of a task in bytes, as the memory room takes it: how far its accesses grow a stack
 * (K-171).
 */
export function stackLimit(task: TaskStruct): number {
  return Math.min(task.group.rlimits.soft(RLIMIT_STACK), NO_LIMIT);
}

/**
 * Checks whether a task may touch another's limits: its real ids equal the six of the target, or
 * CAP_SYS_RESOURCE.
 * @throws {LinuxError} EPERM: neither
 * @see kernel/sys.c, check_prlimit_permission()
 */
export function checkPrlimitPermission(caller: TaskStruct, target: TaskStruct): void {
  if (caller === target) return;
  const { cred } = caller;
  const tcred = target.cred;
  const idMatch =
    cred.uid === tcred.euid &&
    cred.uid === tcred.suid &&
    cred.uid === tcred.uid &&
    cred.gid === tcred.egid &&
    cred.gid === tcred.sgid &&
    cred.gid === tcred.gid;
  if (!idMatch && !capable(caller, tcred.userNs, CAP_SYS_RESOURCE)) fail(EPERM);
}
