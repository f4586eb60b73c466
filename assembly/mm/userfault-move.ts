// UFFDIO_MOVE: pages change their place inside one memory; mm/userfaultfd.c, move_pages().
import { EBUSY, EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM } from '../abi/errno';
import { PAGE_SIZE } from '../abi/page';
import { PTE_DIRTY, PTE_RW } from '../abi/pte';
import { UFFD_NUMBER_SHIFT } from '../abi/userfault';
import {
  VM_EXEC,
  VM_IO,
  VM_LOCKED,
  VM_MIXEDMAP,
  VM_PFNMAP,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
} from '../abi/vma';
import { anonVmaPrepare } from './anon-vma';
import { isSoleAnon } from './fault';
import { Mm } from './mm';
import { allocSlot, makePte, ownSlot, pteFrame, ptePresent, pteSpecial, setPte } from './pgtable';
import { Vma, vmaLookup } from './vma';

/** What both sides must have alike. */
const ALIKE: u32 = VM_READ | VM_WRITE | VM_EXEC | VM_LOCKED;
/** What neither may have, sharing aside. */
const IMMOVABLE: u32 = VM_PFNMAP | VM_IO | VM_MIXEDMAP;

/** What move_pages() and validate_move_areas() check before the first page; an errno or 0. */
function checkAreas(to: Vma, from: Vma, dst: u64, src: u64, length: u64, number: u32): i32 {
  if ((to.flags | from.flags) & (VM_SHARED | IMMOVABLE)) return EINVAL;
  if (src + length > from.end || dst + length > to.end) return EINVAL;
  if ((to.flags ^ from.flags) & ALIKE || !(from.flags & VM_WRITE)) return EINVAL;
  if (to.uffd >> UFFD_NUMBER_SHIFT != number) return EINVAL;
  return to.mapping == null && from.mapping == null ? 0 : EINVAL;
}

/** move_pages_ptes() for one page; an errno or 0. */
function movePage(mm: Mm, to: Vma, dst: u64, src: u64, holes: bool): i32 {
  const target = allocSlot(mm, dst);
  if (target == 0) return ENOMEM;
  let slot = ownSlot(mm, src);
  if (slot == 0) {
    if (!holes) return ENOENT;
    slot = allocSlot(mm, src);
    if (slot == 0) return ENOMEM;
  }
  if (load<u64>(target) != 0) return EEXIST;
  const pte = load<u64>(slot);
  if (pte == 0) return holes ? 0 : ENOENT;
  if (!ptePresent(pte)) return EFAULT;
  const frame = pteFrame(pte);
  if (!pteSpecial(pte) && !isSoleAnon(frame)) return EBUSY;
  setPte(mm, slot, src, 0);
  // A page that moved can be stored to at once, whatever it was before.
  const moved = makePte(frame, to.flags) | (pte & PTE_DIRTY) | PTE_RW;
  setPte(mm, target, dst, pteSpecial(pte) ? pte : moved);
  return 0;
}

/**
 * Moves the pages of [src, src + length) to `dst`, in a VMA of the userfaultfd `number`; `holes` lets
 * pages be absent. Returns the bytes moved, or a negative errno when there are none.
 */
export function uffdMove(mm: Mm, number: u32, dst: u64, src: u64, length: u64, holes: bool): i64 {
  const to = vmaLookup(mm, dst);
  if (to == null) return -ENOENT;
  if (!(to.flags & VM_SHARED)) anonVmaPrepare(to);
  const from = vmaLookup(mm, src);
  if (from == null) return -ENOENT;
  let error = checkAreas(to, from, dst, src, length, number);
  let done: u64 = 0;
  while (error == 0 && done < length) {
    error = movePage(mm, to, dst + done, src + done, holes);
    if (error == 0) done += PAGE_SIZE;
  }
  return done > 0 ? <i64>done : -(<i64>error);
}
