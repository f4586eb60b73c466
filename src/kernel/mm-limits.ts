import { CAP_IPC_LOCK, CAP_SYS_ADMIN, CAP_SYS_RAWIO, capable } from './capability.js';
import { RLIMIT_AS, RLIMIT_DATA, RLIMIT_MEMLOCK, RLIM_INFINITY } from './rlimit.js';
import type { TaskStruct } from './task.js';
import type { MmLimits, MmRules } from '../mm/limits.js';

/** Bit of personality(2): what can be read can be executed (include/uapi/linux/personality.h). */
export const READ_IMPLIES_EXEC = 0x400000;

/** What bounds the mappings of a task: its limits, the machine's settings, its capabilities. */
export class TaskMmLimits implements MmLimits {
  readonly #task: TaskStruct;

  constructor(task: TaskStruct) {
    this.#task = task;
  }

  get as(): number {
    return this.#task.group.rlimits.soft(RLIMIT_AS);
  }

  get data(): number {
    return this.#task.group.rlimits.soft(RLIMIT_DATA);
  }

  get dataMax(): number {
    const { max } = this.#task.group.rlimits.get(RLIMIT_DATA);
    return max === RLIM_INFINITY ? Infinity : Number(max);
  }

  get memlock(): number {
    return this.#task.group.rlimits.soft(RLIMIT_MEMLOCK);
  }

  get readImpliesExec(): boolean {
    return (this.#task.personality & READ_IMPLIES_EXEC) !== 0;
  }

  get maxMapCount(): number {
    return this.#task.kernel.sysctl.get('vm.max_map_count');
  }

  get mmapMinAddr(): number {
    return this.#task.kernel.sysctl.get('vm.mmap_min_addr');
  }

  get lsmMmapMinAddr(): number {
    return this.#task.kernel.profile.lsmMmapMinAddr;
  }

  get overcommit(): number {
    return this.#task.kernel.sysctl.get('vm.overcommit_memory');
  }

  get overcommitRatio(): number {
    return this.#task.kernel.sysctl.get('vm.overcommit_ratio');
  }

  get overcommitKbytes(): number {
    return this.#task.kernel.sysctl.get('vm.overcommit_kbytes');
  }

  get totalRam(): number {
    return this.#task.kernel.profile.totalRam;
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
