import { EINVAL, EPERM } from '../../../assembly/abi/errno.js';
import type { AccessReport } from '../access-report.js';
import { CAP_SYS_PTRACE, capable, hasNsCapability } from '../capability.js';
import { PTRACE_MODE_ATTACH } from '../ptrace.js';
import type { SecurityModule } from '../security.js';
import { NOT_MINE } from '../security.js';
import type { Sysctl, SysctlEntry } from '../sysctl.js';
import type { TaskStruct } from '../task.js';
import { sameThreadGroup } from '../task.js';

/** The sysctl of the scope. */
export const YAMA_PTRACE_SCOPE = 'kernel.yama.ptrace_scope';
/** Attaching as without Yama. */
export const YAMA_SCOPE_DISABLED = 0;
/** Attaching to descendants and to those who declared the tracer. */
export const YAMA_SCOPE_RELATIONAL = 1;
/** Attaching with CAP_SYS_PTRACE only. */
export const YAMA_SCOPE_CAPABILITY = 2;
/** No attaching, and no way back. */
export const YAMA_SCOPE_NO_ATTACH = 3;

/** prctl option: "Yama" in ASCII (include/uapi/linux/prctl.h). */
export const PR_SET_PTRACER = 0x59616d61;

const SOURCE = 'security/yama/yama_lsm.c, yama_ptrace_access_check()';

/** Tells whether a process is, or descends from, the process of `parent` (task_is_descendant()). */
function taskIsDescendant(parent: TaskStruct, child: TaskStruct): boolean {
  for (let walker: TaskStruct | null = child; walker !== null; walker = walker.parent) {
    if (sameThreadGroup(walker, parent)) return true;
  }
  return false;
}

/** The setting kernel.yama.ptrace_scope. */
export class YamaScope implements SysctlEntry {
  value: number;
  readonly max = YAMA_SCOPE_NO_ATTACH;

  constructor(value: number) {
    this.value = value;
  }

  /** yama_dointvec_minmax(): once 3, only 3 is accepted. */
  get min(): number {
    return this.value === YAMA_SCOPE_NO_ATTACH ? YAMA_SCOPE_NO_ATTACH : 0;
  }
}

/**
 * Restricts who may attach to whom, whatever ids and capabilities allow (K-053). Only
 * PTRACE_MODE_ATTACH is asked about; reading never is.
 *
 * @example
 * kernel.security.install(capabilityModule);
 * kernel.security.install(new YamaModule(kernel.sysctl, YAMA_SCOPE_RELATIONAL));
 * @see security/yama/yama_lsm.c
 */
export class YamaModule implements SecurityModule {
  readonly name = 'yama';
  private readonly entry: SysctlEntry;
  /** Process leaders that declared a tracer: its task, or null for anybody. */
  private readonly relations = new Map<TaskStruct, TaskStruct | null>();

  /** Makes the module and its sysctl; a RangeError for a scope out of 0..3. */
  constructor(sysctl: Sysctl, scope: number = YAMA_SCOPE_RELATIONAL) {
    if (!Number.isInteger(scope) || scope < 0 || scope > YAMA_SCOPE_NO_ATTACH) {
      throw new RangeError(`scope must be 0, 1, 2 or 3, not ${scope}`);
    }
    this.entry = new YamaScope(scope);
    sysctl.register(YAMA_PTRACE_SCOPE, this.entry);
  }

  /** The scope in force, 0 to 3. */
  get scope(): number {
    return this.entry.value;
  }

  /** Refuses an attach by scope. */
  ptraceAccessCheck(
    task: TaskStruct,
    child: TaskStruct,
    mode: number,
    report?: AccessReport,
  ): number {
    if (!(mode & PTRACE_MODE_ATTACH)) {
      report?.add('Yama restricts attaching only', SOURCE, { mode }, 'continue');
      return 0;
    }
    const allowed = this.scopeAllows(task, child, report);
    return allowed ? 0 : -EPERM;
  }

  /** Refuses PTRACE_TRACEME where scope 2 or 3 would refuse the parent's attach. */
  ptraceTraceme(parent: TaskStruct, child: TaskStruct): number {
    if (this.scope < YAMA_SCOPE_CAPABILITY) return 0;
    const ns = child.cred.userNs;
    const capableParent =
      this.scope === YAMA_SCOPE_CAPABILITY && hasNsCapability(parent, ns, CAP_SYS_PTRACE);
    return capableParent ? 0 : -EPERM;
  }

  /** Serves PR_SET_PTRACER: 0 withdraws, -1 allows anybody, else the number of the tracer. */
  taskPrctl(task: TaskStruct, option: number, args: readonly bigint[]): number | null {
    if (option !== PR_SET_PTRACER) return NOT_MINE;
    const pid = Number(BigInt.asIntN(32, args[0] ?? 0n));
    const tracee = task.group.leader;
    if ((args[0] ?? 0n) === 0n) {
      this.relations.delete(tracee);
    } else if (pid === -1) {
      this.relations.set(tracee, null);
    } else {
      const tracer = task.kernel.findTask(pid);
      if (tracer === null) return -EINVAL;
      this.relations.set(tracee, tracer);
    }
    return 0;
  }

  /** Forgets the relations of a task that is gone, on either side. */
  taskFree(task: TaskStruct): void {
    this.relations.delete(task);
    for (const [tracee, tracer] of this.relations) {
      if (tracer === task) this.relations.delete(tracee);
    }
  }

  private scopeAllows(
    task: TaskStruct,
    child: TaskStruct,
    report: AccessReport | undefined,
  ): boolean {
    const { scope } = this;
    const gone = scope === YAMA_SCOPE_RELATIONAL && child.state === 'X';
    if (scope === YAMA_SCOPE_DISABLED || scope === YAMA_SCOPE_NO_ATTACH || gone) {
      const open = scope === YAMA_SCOPE_DISABLED;
      report?.add(
        'ptrace_scope permits attaching',
        SOURCE,
        { scope },
        open ? 'continue' : 'denied',
      );
      return open;
    }
    return (
      (scope === YAMA_SCOPE_RELATIONAL && this.related(task, child, report)) ||
      this.capableOver(task, child, report)
    );
  }

  private related(task: TaskStruct, child: TaskStruct, report: AccessReport | undefined): boolean {
    const descendant = taskIsDescendant(task, child);
    const declared = !descendant && this.exceptionFound(task, child);
    report?.add(
      'target descends from the caller or declared it as tracer',
      SOURCE,
      { scope: this.scope, descendant, declared },
      'continue',
    );
    return descendant || declared;
  }

  private capableOver(
    task: TaskStruct,
    child: TaskStruct,
    report: AccessReport | undefined,
  ): boolean {
    const granted = capable(task, child.cred.userNs, CAP_SYS_PTRACE);
    report?.add(
      "caller has CAP_SYS_PTRACE in the target's user namespace",
      SOURCE,
      { scope: this.scope, granted },
      granted ? 'continue' : 'denied',
    );
    return granted;
  }

  /**
   * A tracer already attached, or one the target declared, it or an ancestor of the caller
   * (ptracer_exception_found()).
   */
  private exceptionFound(tracer: TaskStruct, tracee: TaskStruct): boolean {
    const current = tracee.ptracer;
    if (current !== null && sameThreadGroup(current, tracer)) return true;
    const declared = this.relations.get(tracee.group.leader);
    if (declared === undefined) return false;
    return declared === null || taskIsDescendant(declared, tracer);
  }
}
