import type { AccessReport } from './access-report.js';
import type { CapSet } from './capability.js';
import type { Cred } from './cred.js';
import type { TaskStruct } from './task.js';
import type { UserNamespace } from './userns.js';

/** The answer of a taskPrctl hook to an option that is not its own (-ENOSYS in Linux). */
export const NOT_MINE = null;

/** What a change of user ids came from (LSM_SETID_*). */
export type SetidKind = 'id' | 'fs';

/** Three capability sets as capset takes them. */
export interface CapSets {
  readonly effective: CapSet;
  readonly inheritable: CapSet;
  readonly permitted: CapSet;
}

/**
 * A security module. Checks give 0 or a negative errno; a hook left out allows.
 * @see include/linux/lsm_hook_defs.h
 */
export interface SecurityModule {
  /** Name as in /sys/kernel/security/lsm. */
  readonly name: string;
  /**
   * Whether `task` may look at or trace `child` (PTRACE_MODE_* bits); adds its checks to the
   * report.
   */
  ptraceAccessCheck?(
    task: TaskStruct,
    child: TaskStruct,
    mode: number,
    report?: AccessReport,
  ): number;
  /** Whether `child` may ask to be traced by `parent`. */
  ptraceTraceme?(parent: TaskStruct, child: TaskStruct): number;
  /** Whether `task` may send a signal, 0 included, to `target`. */
  taskKill?(task: TaskStruct, target: TaskStruct, signal: number): number;
  /** Whether credentials have a capability in a namespace. */
  capable?(cred: Readonly<Cred>, ns: UserNamespace, cap: number): number;
  /** Adjusts new credentials after user ids changed. */
  taskFixSetuid?(cred: Cred, old: Readonly<Cred>, kind: SetidKind): number;
  /** Checks new capability sets and stores them in the new credentials. */
  capset?(cred: Cred, old: Readonly<Cred>, sets: CapSets): number;
  /**
   * Serves a prctl option of its own: a value or a negative errno; NOT_MINE for others. Arguments
   * are unsigned 64-bit.
   */
  taskPrctl?(task: TaskStruct, option: number, args: readonly bigint[]): number | null;
  /** A task is gone for good. */
  taskFree?(task: TaskStruct): void;
}

/**
 * The installed security modules, asked in the order they were installed; the first refusal stands.
 * @see security/security.c
 */
export class SecurityHooks {
  private modules: SecurityModule[] = [];

  /** Installs a module after those already there; a second one of the same name is a TypeError. */
  install(module: SecurityModule): void {
    if (this.has(module.name)) {
      throw new TypeError(`security module '${module.name}' is already installed`);
    }
    this.modules.push(module);
  }

  /** Lists the modules in order, as /sys/kernel/security/lsm does. */
  names(): string[] {
    return this.modules.map((module) => module.name);
  }

  /** Takes other modules in place of those there are: those of a machine out of a snapshot. */
  replaceAll(modules: readonly SecurityModule[]): void {
    this.modules = [...modules];
  }

  /** The modules themselves, in order. */
  list(): readonly SecurityModule[] {
    return this.modules;
  }

  /** Tells whether a module is installed. */
  has(name: string): boolean {
    return this.modules.some((module) => module.name === name);
  }

  /**
   * Whether a task may look at another, beyond ids and dumpable (security_ptrace_access_check()).
   */
  ptraceAccessCheck(
    task: TaskStruct,
    child: TaskStruct,
    mode: number,
    report?: AccessReport,
  ): number {
    // Asked by every process_vm call: without a closure, which first() would take.
    for (const module of this.modules) {
      const answer = module.ptraceAccessCheck?.(task, child, mode, report) ?? 0;
      if (answer !== 0) return answer;
    }
    return 0;
  }

  /** Whether a task may be traced by its parent at its own wish (security_ptrace_traceme()). */
  ptraceTraceme(parent: TaskStruct, child: TaskStruct): number {
    return this.first((module) => module.ptraceTraceme?.(parent, child));
  }

  /** Whether a task may send a signal, beyond ids (security_task_kill()). */
  taskKill(task: TaskStruct, target: TaskStruct, signal: number): number {
    return this.first((module) => module.taskKill?.(task, target, signal));
  }

  /** Whether credentials have a capability (security_capable()). */
  capable(cred: Readonly<Cred>, ns: UserNamespace, cap: number): number {
    return this.first((module) => module.capable?.(cred, ns, cap));
  }

  /** Adjusts credentials whose user ids changed (security_task_fix_setuid()). */
  taskFixSetuid(cred: Cred, old: Readonly<Cred>, kind: SetidKind): number {
    return this.first((module) => module.taskFixSetuid?.(cred, old, kind));
  }

  /** Checks and stores new capability sets (security_capset()). */
  capset(cred: Cred, old: Readonly<Cred>, sets: CapSets): number {
    return this.first((module) => module.capset?.(cred, old, sets));
  }

  /**
   * Offers a prctl option to the modules: the first refusal or nonzero value stands, else 0 if any
   * module took it, else NOT_MINE (security_task_prctl()).
   */
  taskPrctl(task: TaskStruct, option: number, args: readonly bigint[]): number | null {
    let result: number | null = NOT_MINE;
    for (const module of this.modules) {
      const answer = module.taskPrctl?.(task, option, args) ?? NOT_MINE;
      if (answer !== NOT_MINE) result = answer;
      if (answer !== NOT_MINE && answer !== 0) break;
    }
    return result;
  }

  /** Tells all modules that a task is gone (security_task_free()). */
  taskFree(task: TaskStruct): void {
    for (const module of this.modules) module.taskFree?.(task);
  }

  private first(ask: (module: SecurityModule) => number | undefined): number {
    for (const module of this.modules) {
      const answer = ask(module) ?? 0;
      if (answer !== 0) return answer;
    }
    return 0;
  }
}
