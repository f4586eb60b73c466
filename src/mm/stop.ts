import { EIO, ERESTARTSYS } from '../../assembly/abi/errno.js';
import {
  FAULT_NEED_PAGE,
  FAULT_USERFAULT,
  NEED_PAGE,
  NEED_USERFAULT,
} from '../../assembly/abi/fault.js';
import { UFFD_USER_ONLY } from '../../assembly/abi/userfault.js';
import { fail } from '../errno.js';
import type { Mm } from './mm.js';
import { userfaultResolved } from './userfault.js';

/** Has the page that the core stopped for been loaded? Errors of the host's file say no. */
function loaded(mm: Mm): boolean {
  try {
    mm.core.servePage();
    return true;
  } catch (error) {
    if (isEio(error)) return false;
    throw error;
  }
}

function isEio(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && error.errno === -EIO;
}

/**
 * Has what stopped an access by the kernel been mended, so that it can go on? Not an error, nor a page
 * that the host cannot read.
 * @param stop why it stopped: an errno, NEED_PAGE, NEED_USERFAULT, 0
 * @throws {LinuxError} ERESTARTSYS: a userfaultfd has the fault and nobody has resolved it yet
 */
export function stopMended(mm: Mm, stop: number): boolean {
  if (stop === NEED_PAGE) return loaded(mm);
  if (stop !== NEED_USERFAULT) return false;
  return userfaultResolved(mm.core) || fail(ERESTARTSYS);
}

/**
 * The same for a load or store, by the CPU or by the kernel on the task's behalf; of the CPU's own it is
 * no error to have to wait.
 * @param fault FAULT_* but FAULT_OK
 * @throws {LinuxError} ERESTARTSYS: the kernel has to wait for a userfaultfd
 */
export function faultMended(mm: Mm, fault: number, byCpu: boolean): boolean {
  if (fault === FAULT_NEED_PAGE) return loaded(mm);
  if (fault !== FAULT_USERFAULT) return false;
  if (byCpu) return userfaultResolved(mm.core);
  // UFFD_USER_MODE_ONLY: the kernel does not wait, it fails.
  if (mm.core.exports.userfaultUffd() & UFFD_USER_ONLY) return false;
  return userfaultResolved(mm.core) || fail(ERESTARTSYS);
}
