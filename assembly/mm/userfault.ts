// Faults that a userfaultfd has: fs/userfaultfd.c, handle_userfault(). The core notes what the message
// about one says and gives up the access; the host tells the descriptor, and calls again when somebody
// has resolved the fault. A VMA that no userfaultfd watches pays one look at Vma.uffd in a fault.
import { EFAULT, ENOMEM } from '../abi/errno';
import {
  FAULT_NEED_PAGE,
  FAULT_OK,
  FAULT_OOM,
  FAULT_SIGBUS,
  FAULT_USERFAULT,
  NEED_HOST,
  NEED_PAGE,
  NEED_USERFAULT,
} from '../abi/fault';
import { PTE_MARKER_UFFD_WP, PTE_RW, PTE_UFFD_WP } from '../abi/pte';
import {
  UFFD_MINOR,
  UFFD_MISSING,
  UFFD_PAGEFAULT_FLAG_MINOR,
  UFFD_PAGEFAULT_FLAG_WP,
  UFFD_PAGEFAULT_FLAG_WRITE,
  UFFD_SIGBUS,
  UFFD_USER_ONLY,
  UFFD_WP,
  UFFD_WP_ASYNC,
} from '../abi/userfault';
import { MAPPING_HOST, Mapping, findPage, sizeInPages } from './mapping';
import { Mm } from './mm';
import { setPte } from './pgtable';
import { Vma } from './vma';

/** What the last FAULT_USERFAULT was about: the mm, Vma.uffd, the byte, UFFD_PAGEFAULT_FLAG_*. */
let faultMm: usize = 0;
let faultUffd: u32 = 0;
let faultAddr: u64 = 0;
let faultFlags: u32 = 0;

export function userfaultMm(): usize {
  return faultMm;
}

export function userfaultUffd(): u32 {
  return faultUffd;
}

export function userfaultAddr(): u64 {
  return faultAddr;
}

export function userfaultFlags(): u32 {
  return faultFlags;
}

/** Leaves a fault to the userfaultfd of the VMA, which may have said that it wants none: FAULT_*. */
export function handleUserfault(vma: Vma, addr: u64, write: bool, flags: u32): u32 {
  if (vma.uffd & UFFD_SIGBUS) return FAULT_SIGBUS;
  faultMm = changetype<usize>(vma.mm);
  faultUffd = vma.uffd;
  faultAddr = addr;
  faultFlags = flags | (write ? UFFD_PAGEFAULT_FLAG_WRITE : 0);
  return FAULT_USERFAULT;
}

/**
 * What an access by the kernel makes of a fault: an errno, or NEED_* where the host has to act. Of
 * UFFD_USER_MODE_ONLY only the CPU's own accesses wait.
 */
export function faultStop(fault: u32): i32 {
  if (fault == FAULT_OOM) return ENOMEM;
  if (fault == FAULT_NEED_PAGE) return NEED_PAGE;
  return fault == FAULT_USERFAULT && !(faultUffd & UFFD_USER_ONLY) ? NEED_USERFAULT : EFAULT;
}

/** Is a stop no error but something that the host can mend, or do itself? */
export function needsHost(stop: i32): bool {
  return stop == NEED_PAGE || stop == NEED_USERFAULT || stop == NEED_HOST;
}

/** pte_mkuffd_wp() */
export function markWp(pte: u64): u64 {
  return (pte & ~(<u64>PTE_RW)) | PTE_UFFD_WP;
}

/** pte_clear_uffd_wp(), and nothing of a marker that says no more than that. */
export function withoutWp(pte: u64): u64 {
  return pte == PTE_MARKER_UFFD_WP ? 0 : pte & ~(<u64>PTE_UFFD_WP);
}

/** A store to a page that is marked as write-protected: FAULT_OK once the mark is gone. */
export function takeWpFault(mm: Mm, vma: Vma, slot: usize, addr: u64): u32 {
  if (vma.uffd & UFFD_WP && !(vma.uffd & UFFD_WP_ASYNC)) {
    return handleUserfault(vma, addr, true, UFFD_PAGEFAULT_FLAG_WP);
  }
  setPte(mm, slot, addr, load<u64>(slot) & ~(<u64>PTE_UFFD_WP));
  return FAULT_OK;
}

/** mm/shmem.c, shmem_get_folio_gfp(): is page `index`, absent or there, one that is waited for? */
export function isWatchedFile(vma: Vma, mapping: Mapping, index: u64): bool {
  if (!(vma.uffd & (UFFD_MISSING | UFFD_MINOR)) || mapping.kind == MAPPING_HOST) return false;
  if (index >= sizeInPages(mapping)) return false;
  return (vma.uffd & (findPage(mapping, index) == 0 ? UFFD_MISSING : UFFD_MINOR)) != 0;
}

/** The fault at a page that isWatchedFile(). */
export function fileUserfault(vma: Vma, mapping: Mapping, index: u64, addr: u64, write: bool): u32 {
  const minor = findPage(mapping, index) != 0;
  return handleUserfault(vma, addr, write, minor ? UFFD_PAGEFAULT_FLAG_MINOR : 0);
}
