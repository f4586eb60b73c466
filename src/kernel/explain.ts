import { errnoName, LinuxError } from '../errno.js';
import type { AccessCheck } from './access-report.js';
import { AccessReport } from './access-report.js';
import { __ptraceMayAccess, mmAccess } from './ptrace.js';
import type { TaskStruct } from './task.js';

/** Which question of the kernel is explained. */
export type AccessQuestion = 'mm_access' | 'ptrace_may_access';

/** An access decision and how the kernel came to it. */
export interface AccessExplanation {
  /** Whether the caller may. */
  readonly allowed: boolean;
  /** Name of the error otherwise, such as `EACCES`. */
  readonly errno: string | null;
  /** The checks in the order the kernel makes them, up to the one that decided. */
  readonly checks: readonly AccessCheck[];
}

function ask(
  caller: TaskStruct,
  target: TaskStruct,
  mode: number,
  question: AccessQuestion,
  report: AccessReport,
): number {
  if (question === 'ptrace_may_access') return __ptraceMayAccess(caller, target, mode, report);
  try {
    mmAccess(caller, target, mode, report);
    return 0;
  } catch (error) {
    if (error instanceof LinuxError) return error.errno;
    throw error;
  }
}

/**
 * Explains whether a task may access another: `mm_access` is what opening /proc/PID/mem, maps or
 * environ asks after the file's own permission bits, and process_vm_readv; `ptrace_may_access` is
 * asked by ptrace, links under /proc/PID, kcmp and pidfd_getfd. `mode` is a PTRACE_MODE_* pair,
 * such as PTRACE_MODE_ATTACH_FSCREDS for mem.
 *
 * It runs the check itself, with a report to fill.
 */
export function explainAccess(
  caller: TaskStruct,
  target: TaskStruct,
  mode: number,
  question: AccessQuestion = 'mm_access',
): AccessExplanation {
  const report = new AccessReport();
  const result = ask(caller, target, mode, question, report);
  const allowed = result === 0;
  const errno = allowed ? null : errnoName(-result);
  return { allowed, errno, checks: report.conclude(allowed) };
}
