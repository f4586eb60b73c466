import { EACCES } from '../../assembly/abi/errno.js';
import { VM_EXEC, VM_WRITE } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import type { Mm } from './mm.js';

/** Nothing becomes executable that was not mapped so, and nothing is writable as well. */
export const PR_MDWE_REFUSE_EXEC_GAIN = 1;
/** A fork or exec is free of it again. */
export const PR_MDWE_NO_INHERIT = 2;

/** Does PR_SET_MDWE bind this memory? */
export function deniesExecGain(mm: Mm): boolean {
  return (mm.mdwe & PR_MDWE_REFUSE_EXEC_GAIN) !== 0;
}

/**
 * Refuses a new mapping that could be written and executed.
 * @throws {LinuxError} EACCES
 * @see include/linux/mman.h, map_deny_write_exec()
 */
export function checkWriteExec(mm: Mm, flags: number): void {
  if (deniesExecGain(mm) && flags & VM_EXEC && flags & VM_WRITE) fail(EACCES);
}

/** What a fork or exec keeps of it. @see include/linux/mm_types.h, mmf_init_legacy_flags() */
export function inheritedMdwe(mdwe: number): number {
  return mdwe & PR_MDWE_NO_INHERIT ? 0 : mdwe;
}
