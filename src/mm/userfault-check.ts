import { EBUSY, EINVAL, EPERM } from '../../assembly/abi/errno.js';
import * as uffd from '../../assembly/abi/userfault.js';
import { VM_DROPPABLE, VM_MAYWRITE } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import type { Mm, VmaInfo } from './mm.js';

interface Range {
  readonly start: number;
  readonly end: number;
}

/** vma_can_userfault(): can this memory be watched with these modes? */
function canUserfault(mm: Mm, vma: VmaInfo, modes: number, wpAsync: boolean): boolean {
  if (vma.flags & VM_DROPPABLE) return false;
  const shmem = mm.core.exports.isShmem(vma.ptr);
  if (modes & uffd.UFFD_MINOR && !shmem) return false;
  // Stores are only noted: any memory will do.
  if (wpAsync && modes === uffd.UFFD_WP) return true;
  return shmem || (vma.anonymous && vma.name?.startsWith('[v') !== true);
}

function* vmasIn(mm: Mm, { start, end }: Range): Generator<VmaInfo, void, void> {
  for (let vma = mm.findVma(start); vma !== null && vma.start < end; vma = mm.findVma(vma.end)) {
    yield vma;
  }
}

/** Does another userfaultfd have it? */
function isOthers(vma: VmaInfo, word: number): boolean {
  return vma.uffd !== 0 && vma.uffd >>> uffd.UFFD_NUMBER_SHIFT !== word >>> uffd.UFFD_NUMBER_SHIFT;
}

/**
 * May the mappings of a range get the word `word`?
 * @throws {LinuxError} EINVAL: none, or memory that cannot be watched; EPERM: a shared mapping that can
 *   never be written; EBUSY: another userfaultfd has it
 * @see fs/userfaultfd.c, userfaultfd_register()
 */
export function checkRegister(mm: Mm, range: Range, word: number): void {
  const wpAsync = (word & uffd.UFFD_WP_ASYNC) !== 0;
  let found = false;
  for (const vma of vmasIn(mm, range)) {
    if (!canUserfault(mm, vma, word & uffd.UFFD_MODES, wpAsync)) fail(EINVAL);
    if (!(vma.flags & VM_MAYWRITE)) fail(EPERM);
    if (isOthers(vma, word)) fail(EBUSY);
    found = true;
  }
  if (!found) fail(EINVAL);
}

/**
 * May the mappings of a range be let go by the userfaultfd of `word`?
 * @throws {LinuxError} EINVAL
 * @see fs/userfaultfd.c, userfaultfd_unregister()
 */
export function checkUnregister(mm: Mm, range: Range, word: number): void {
  const wpAsync = (word & uffd.UFFD_WP_ASYNC) !== 0;
  let found = false;
  for (const vma of vmasIn(mm, range)) {
    if (isOthers(vma, word)) fail(EINVAL);
    if (!canUserfault(mm, vma, vma.uffd & uffd.UFFD_MODES, wpAsync)) fail(EINVAL);
    found = true;
  }
  if (!found) fail(EINVAL);
}
