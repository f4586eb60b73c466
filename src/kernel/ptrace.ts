import { EACCES, EPERM, ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { AccessReport } from './access-report.js';
import { CAP_SYS_PTRACE, capable, credCapable, perfmonCapable } from './capability.js';
import type { Cred } from './cred.js';
import type { MmStruct } from './mm-struct.js';
import { SUID_DUMP_USER } from './mm-struct.js';
import type { TaskStruct } from './task.js';
import { sameThreadGroup } from './task.js';
import type { UserNamespace } from './userns.js';

// include/linux/ptrace.h
export const PTRACE_MODE_READ = 0x01;
export const PTRACE_MODE_ATTACH = 0x02;
export const PTRACE_MODE_NOAUDIT = 0x04;
export const PTRACE_MODE_FSCREDS = 0x08;
export const PTRACE_MODE_REALCREDS = 0x10;
export const PTRACE_MODE_READ_FSCREDS = 0x09;
export const PTRACE_MODE_READ_REALCREDS = 0x11;
export const PTRACE_MODE_ATTACH_FSCREDS = 0x0a;
export const PTRACE_MODE_ATTACH_REALCREDS = 0x12;

const PTRACE_SOURCE = 'kernel/ptrace.c, __ptrace_may_access()';
const MM_SOURCE = 'kernel/fork.c, may_access_mm()';

/** One of the six ids differing is enough to fail (K-043). */
function idsMatch(uid: number, gid: number, tcred: Readonly<Cred>): boolean {
  return (
    uid === tcred.euid &&
    uid === tcred.suid &&
    uid === tcred.uid &&
    gid === tcred.egid &&
    gid === tcred.sgid &&
    gid === tcred.gid
  );
}

function ptraceHasCap(caller: TaskStruct, ns: UserNamespace): boolean {
  return capable(caller, ns, CAP_SYS_PTRACE);
}

/** How a report shows a user namespace. */
function nsName(ns: UserNamespace): string {
  return ns.parent === null ? 'init_user_ns' : `user:[${ns.inum}]`;
}

// What a report says is made apart: an engine then takes the checks, which each open and each process_vm call asks,
// into who asks them (measured).

function reportIds(report: AccessReport, mode: number, caller: Cred, target: Cred): void {
  const fs = (mode & PTRACE_MODE_FSCREDS) !== 0;
  const { uid, gid } = fs ? { uid: caller.fsuid, gid: caller.fsgid } : caller;
  report.add(
    'caller uid and gid equal real, effective and saved ids of the target',
    PTRACE_SOURCE,
    {
      creds: fs ? 'filesystem' : 'real',
      caller: { uid, gid },
      target: {
        ...{ uid: target.uid, euid: target.euid, suid: target.suid },
        ...{ gid: target.gid, egid: target.egid, sgid: target.sgid },
      },
      match: idsMatch(uid, gid, target),
    },
    'continue',
  );
}

/**
 * Ids first, else CAP_SYS_PTRACE where the target's credentials live (K-043, K-044). A caller is judged by
 * filesystem ids for files, by real ids for system calls (K-043, K-045).
 */
function credsAllow(
  caller: TaskStruct,
  target: TaskStruct,
  mode: number,
  report: AccessReport | undefined,
): boolean {
  const { cred } = caller;
  const tcred = target.cred;
  if (report !== undefined) reportIds(report, mode, cred, tcred);
  const fs = (mode & PTRACE_MODE_FSCREDS) !== 0;
  if (idsMatch(fs ? cred.fsuid : cred.uid, fs ? cred.fsgid : cred.gid, tcred)) return true;
  const what = "caller has CAP_SYS_PTRACE in the namespace of the target's credentials";
  return grants(caller, tcred.userNs, what, `${PTRACE_SOURCE}, ptrace_has_cap()`, report);
}

/** CAP_SYS_PTRACE of the caller in a namespace, where ids or dumpable did not suffice. */
function grants(
  caller: TaskStruct,
  ns: UserNamespace,
  what: string,
  source: string,
  report: AccessReport | undefined,
): boolean {
  const granted = ptraceHasCap(caller, ns);
  const outcome = granted ? 'continue' : 'denied';
  report?.add(what, source, { namespace: nsName(ns), granted }, outcome);
  return granted;
}

const DUMPABLE_SOURCE = 'kernel/ptrace.c, task_still_dumpable()';

function reportDumpable(report: AccessReport, target: TaskStruct): void {
  const { mm } = target;
  report.add(
    mm === null ? 'memory was dumpable when the target left it' : "target's memory is dumpable",
    DUMPABLE_SOURCE,
    { dumpable: mm === null ? Number(target.userDumpable) : mm.dumpable, wanted: SUID_DUMP_USER },
    'continue',
  );
}

/**
 * Memory that is not dumpable needs CAP_SYS_PTRACE where the memory lives, whatever the ids (K-046,
 * K-047).
 */
function taskStillDumpable(
  caller: TaskStruct,
  target: TaskStruct,
  report: AccessReport | undefined,
): boolean {
  const { mm } = target;
  if (mm === null && !caller.kernel.profile.remembersDumpable) return true;
  if (report !== undefined) reportDumpable(report, target);
  const dumpable = mm === null ? target.userDumpable : mm.dumpable === SUID_DUMP_USER;
  if (dumpable) return true;
  const ns = mm === null ? caller.kernel.initUserNs : mm.userNs;
  const what = 'caller has CAP_SYS_PTRACE in the namespace of the memory';
  return grants(caller, ns, what, DUMPABLE_SOURCE, report);
}

function reportProcess(
  report: AccessReport,
  caller: TaskStruct,
  target: TaskStruct,
  same: boolean,
): void {
  report.add(
    'target is a thread of the same process',
    PTRACE_SOURCE,
    { caller: caller.tgid, target: target.tgid },
    same ? 'allowed' : 'continue',
  );
}

/**
 * Decides whether a task may look at (PTRACE_MODE_READ) or take over (PTRACE_MODE_ATTACH) another:
 * same process, then ids, dumpable and the security modules.
 * @returns 0 or -EPERM, or what a security module answers
 * @see kernel/ptrace.c, __ptrace_may_access()
 */
export function __ptraceMayAccess(
  caller: TaskStruct,
  target: TaskStruct,
  mode: number,
  report?: AccessReport,
): number {
  if (!(mode & PTRACE_MODE_FSCREDS) === !(mode & PTRACE_MODE_REALCREDS)) {
    report?.add('mode names one kind of credentials', PTRACE_SOURCE, { mode }, 'denied');
    return -EPERM;
  }
  // A process always sees into itself: before ids, dumpable and modules (K-042).
  const same = sameThreadGroup(target, caller);
  if (report !== undefined) reportProcess(report, caller, target, same);
  if (same) return 0;
  if (!credsAllow(caller, target, mode, report)) return -EPERM;
  if (!taskStillDumpable(caller, target, report)) return -EPERM;
  return caller.kernel.security.ptraceAccessCheck(caller, target, mode, report);
}

/** Tells whether a task may look at or take over another (kernel/ptrace.c, ptrace_may_access()). */
export function ptraceMayAccess(
  caller: TaskStruct,
  target: TaskStruct,
  mode: number,
  report?: AccessReport,
): boolean {
  return __ptraceMayAccess(caller, target, mode, report) === 0;
}

/** The memory of a task; null for kernel threads and after exit (kernel/fork.c, get_task_mm()). */
export function getTaskMm(task: TaskStruct): MmStruct | null {
  return task.isKthread ? null : task.mm;
}

/** Same memory, then the watchers of performance for reading, then ptrace (K-037, K-040, K-041). */
function mayAccessMm(
  caller: TaskStruct,
  task: TaskStruct,
  mm: MmStruct,
  mode: number,
  report: AccessReport | undefined,
): boolean {
  const own = mm === caller.mm;
  report?.add(
    'caller shares the memory',
    MM_SOURCE,
    { caller: caller.pid, target: task.pid, same: own },
    own ? 'allowed' : 'continue',
  );
  if (own) return true;
  if (mode & PTRACE_MODE_READ && caller.kernel.profile.perfmonReads) {
    const granted = perfmonCapable(caller);
    report?.add(
      'caller reads with CAP_PERFMON or CAP_SYS_ADMIN in init_user_ns',
      MM_SOURCE,
      { granted },
      granted ? 'allowed' : 'continue',
    );
    if (granted) return true;
  }
  return ptraceMayAccess(caller, task, mode, report);
}

/**
 * Gives the memory of a task to a caller who may access it: what opening mem, maps, environ and
 * others asks, and process_vm_readv. No user of the memory is counted; whoever keeps it counts
 * itself.
 * @throws {LinuxError} ESRCH: the task has no memory (kernel thread, exited)
 * @throws {LinuxError} EACCES: not permitted
 * @see kernel/fork.c, mm_access()
 */
export function mmAccess(
  caller: TaskStruct,
  task: TaskStruct,
  mode: number,
  report?: AccessReport,
): MmStruct {
  const mm = getTaskMm(task);
  report?.add(
    'target has a memory',
    'kernel/fork.c, mm_access()',
    { state: task.state, kernelThread: task.isKthread },
    mm === null ? 'denied' : 'continue',
  );
  if (mm === null) fail(ESRCH);
  if (!mayAccessMm(caller, task, mm, mode, report)) fail(EACCES);
  return mm;
}

/**
 * Tells whether the tracer of a task, if it has one, holds CAP_SYS_PTRACE in a namespace; the
 * credentials are those of the attach (K-205).
 * @see kernel/ptrace.c, ptracer_capable()
 */
export function ptracerCapable(tracee: TaskStruct, ns: UserNamespace): boolean {
  const { ptrace } = tracee;
  return ptrace === null || credCapable(tracee.kernel, ptrace.cred, ns, CAP_SYS_PTRACE);
}

/**
 * Tells whether an access to /proc/PID/mem forces its way past protections: always, never, or for
 * the thread that traces the task (K-116). Asked at each read and write.
 * @see fs/proc/base.c, proc_mem_foll_force()
 */
export function procMemFollForce(
  task: TaskStruct | null,
  mm: MmStruct,
  caller: TaskStruct,
): boolean {
  const { forceOverride } = caller.kernel.profile;
  if (forceOverride !== 'ptrace') return forceOverride === 'always';
  return task !== null && task.mm === mm && task.ptracer === caller;
}
