import { CAP_IPC_LOCK, CAP_SYS_ADMIN, CAP_SYS_RAWIO, capable } from './capability.js';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIM_INFINITY, type Rlimits } from './rlimit.js';
import type { TaskStruct } from './task.js';
import type { MmLimits, MmRules } from '../mm/limits.js';

/** Bit of personality(2): what can be read can be executed (include/uapi/linux/personality.h). */
export const READ_IMPLIES_EXEC = 0x400000;

/**
 * What bounds the mappings of a task: its limits and the machine's settings as they are now, and its
 * capabilities, which are asked for when they are needed.
 */
class TaskMmLimits implements MmLimits {
  readonly as: number;
  readonly data: number;
  readonly dataMax: number;
  readonly memlock: number;
  readonly readImpliesExec: boolean;
  readonly maxMapCount: number;
  readonly mmapMinAddr: number;
  readonly lsmMmapMinAddr: number;
  readonly overcommit: number;
  readonly overcommitRatio: number;
  readonly overcommitKbytes: number;
  readonly totalRam: number;
  readonly #task: TaskStruct;
  /** Of what they were read: the object, and how often it had changed. */
  readonly #rlimits: Rlimits;
  readonly #rlimitsVersion: number;
  readonly #sysctlVersion: number;
  readonly #personality: number;

  constructor(task: TaskStruct) {
    const { rlimits } = task.group;
    const { sysctl, profile } = task.kernel;
    const { max } = rlimits.get(RLIMIT_DATA);
    this.as = rlimits.soft(RLIMIT_AS);
    this.data = rlimits.soft(RLIMIT_DATA);
    this.dataMax = max === RLIM_INFINITY ? Infinity : Number(max);
    this.memlock = rlimits.soft(RLIMIT_MEMLOCK);
    this.readImpliesExec = (task.personality & READ_IMPLIES_EXEC) !== 0;
    this.maxMapCount = sysctl.get('vm.max_map_count');
    this.mmapMinAddr = sysctl.get('vm.mmap_min_addr');
    this.lsmMmapMinAddr = profile.lsmMmapMinAddr;
    this.overcommit = sysctl.get('vm.overcommit_memory');
    this.overcommitRatio = sysctl.get('vm.overcommit_ratio');
    this.overcommitKbytes = sysctl.get('vm.overcommit_kbytes');
    this.totalRam = profile.totalRam;
    this.#task = task;
    this.#rlimits = rlimits;
    this.#rlimitsVersion = rlimits.version;
    this.#sysctlVersion = sysctl.version;
    this.#personality = task.personality;
  }

  /** Has nothing changed of what was read? */
  isCurrent(): boolean {
    const { group, kernel, personality } = this.#task;
    return (
      group.rlimits === this.#rlimits &&
      group.rlimits.version === this.#rlimitsVersion &&
      kernel.sysctl.version === this.#sysctlVersion &&
      personality === this.#personality
    );
  }

  get rules(): MmRules {
    return this.#task.kernel.profile;
  }

  // Asked only where needed: asking marks the task as one that used root's rights.
  get capIpcLock(): boolean {
    return capable(this.#task, this.#task.kernel.initUserNs, CAP_IPC_LOCK);
  }

  get capSysAdmin(): boolean {
    return capable(this.#task, this.#task.kernel.initUserNs, CAP_SYS_ADMIN);
  }

  get capSysRawio(): boolean {
    return capable(this.#task, this.#task.kernel.initUserNs, CAP_SYS_RAWIO);
  }
}

/** What bounds the mappings of a task: one object for as long as nothing of it changes. */
export function mmLimits(task: TaskStruct): MmLimits {
  if (task.mmLimits?.isCurrent() !== true) task.mmLimits = new TaskMmLimits(task);
  return task.mmLimits;
}
