import type { CapSet } from '../kernel/capability.js';
import { makeCred } from '../kernel/cred.js';
import { createProcess } from '../kernel/fork.js';
import { Kernel } from '../kernel/kernel.js';
import { capabilityModule } from '../kernel/lsm/capability.js';
import { YamaModule } from '../kernel/lsm/yama.js';
import { DEFAULT_PROFILE, type KernelProfile } from '../kernel/profile.js';
import { RLIMIT_AS, stackLimit } from '../kernel/rlimit.js';
import { Core } from '../wasm/core.js';
import type { WasmSource } from '../wasm/module.js';
import {
  arrayArgument,
  capsArgument,
  intArgument,
  objectArgument,
  oneOf,
  shown,
  stringArgument,
} from './arguments.js';
import { CoreTask } from './core-task.js';

/** How a CoreMachine is made: options of Machine.create() with the same meaning. */
export interface CoreMachineOptions {
  /** Most bytes of memory for frames and tables, 2 MiB to 4 GiB (default 4 GiB). */
  readonly memory?: number;
  /** The wasm module, when it is not beside the script. */
  readonly wasm?: WasmSource;
  /** kernel.yama.ptrace_scope; null: a kernel without Yama (default). */
  readonly yama?: 0 | 1 | 2 | 3 | null;
  /** Rules that differ from those of Linux 6.18. */
  readonly profile?: Partial<KernelProfile>;
}

/** Who a task of a CoreMachine is: options of Machine.spawn() with the same meaning. */
export interface CoreSpawnOptions {
  /** Its name, at most 15 bytes (default `task`). */
  readonly comm?: string;
  /** All four user ids (default 0). */
  readonly uid?: number;
  /** All four group ids (default: the uid). */
  readonly gid?: number;
  /** Supplementary groups (default none). */
  readonly groups?: readonly number[];
  /** Permitted and effective capabilities (default: all for uid 0, else none). */
  readonly caps?: CapSet;
}

const MAX_ID = 0xfffffffe;

/** Rules of a kernel; the kernels that have a name are with `procmem`. @throws {TypeError} others */
function checkRules(rules: Partial<KernelProfile>): Partial<KernelProfile> {
  for (const [name, value] of Object.entries(objectArgument('profile', rules))) {
    if (!Object.hasOwn(DEFAULT_PROFILE, name)) {
      throw new TypeError(`profile: ${shown(name)} is not a rule of a kernel`);
    }
    const wanted: unknown = DEFAULT_PROFILE[name as keyof KernelProfile];
    if (wanted !== null && typeof value !== typeof wanted) {
      throw new TypeError(`profile.${name}: not a ${typeof wanted}`);
    }
  }
  return rules;
}

/**
 * A machine of memory and nothing else: tasks with credentials, their memory, /proc/PID/mem and process_vm. It
 * has no files, no system calls by number, no programs, no snapshots: `Machine` of `procmem` has.
 *
 * @example
 * const machine = await CoreMachine.create();
 * const target = machine.spawn({ uid: 1000 });
 * const reader = machine.spawn({ uid: 1000 });
 * const addr = target.mmap({ length: 4096 });
 * reader.openMem(target, 'r+').pwrite(new Uint8Array([1, 2, 3]), addr);
 */
export class CoreMachine {
  /** The kernel's objects, for code below the object API. */
  readonly kernel: Kernel;

  private constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  /**
   * Builds a machine.
   *
   * @throws {TypeError | RangeError} an option that there is not, of the wrong type or out of its range
   */
  static async create(options: CoreMachineOptions = {}): Promise<CoreMachine> {
    for (const name of Object.keys(objectArgument('options', options))) {
      oneOf('options', name, ['memory', 'wasm', 'yama', 'profile']);
    }
    const { memory, wasm, profile: changes = {}, yama = null } = options;
    if (memory !== undefined) intArgument('memory', memory, 2 ** 21, 2 ** 32);
    if (yama !== null) oneOf('yama', yama, [0, 1, 2, 3]);
    const profile = { ...DEFAULT_PROFILE, ...checkRules(changes) };
    const core = await Core.create({
      ...(memory === undefined ? {} : { memory }),
      ...(wasm === undefined ? {} : { wasm }),
      zeroPage: profile.zeroPage,
    });
    const kernel = new Kernel(core, { profile, now: Date.now });
    kernel.security.install(capabilityModule);
    if (yama !== null) kernel.security.install(new YamaModule(kernel.sysctl, yama));
    return new CoreMachine(kernel);
  }

  /** Makes a process, child of pid 1. @throws {LinuxError} EAGAIN: no number free; ENOMEM: no memory */
  spawn(options: CoreSpawnOptions = {}): CoreTask {
    const {
      comm = 'task',
      uid = 0,
      gid = uid,
      groups = [],
      caps,
    } = objectArgument('options', options);
    const cred = makeCred(this.kernel.initUserNs, {
      uid: intArgument('uid', uid, 0, MAX_ID),
      gid: intArgument('gid', gid, 0, MAX_ID),
      groups: arrayArgument('groups', groups).map((group) =>
        intArgument('groups', group, 0, MAX_ID),
      ),
      ...(caps === undefined ? {} : { caps: capsArgument('caps', caps) }),
    });
    const named = { comm: stringArgument('comm', comm), cred };
    const struct = createProcess(this.kernel, this.kernel.init, named);
    if (struct.mm !== null) {
      struct.mm.stackLimit = stackLimit(struct);
      struct.mm.limitGrowth(struct.group.rlimits.soft(RLIMIT_AS));
    }
    return new CoreTask(struct);
  }

  /** Frames of 4096 bytes in use: pages, page tables and bookkeeping. */
  get framesInUse(): number {
    return this.kernel.core.framesInUse;
  }
}
