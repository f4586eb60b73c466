// Page counts of an mm by kind of VMA: mm/vma.c, vm_stat_account(), and
// locked_vm.
import { VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_LOCKED, VM_SHARED, VM_WRITE } from '../abi/vma';
import { commit } from './limits';
import { Mm } from './mm';

export function isDataMapping(flags: u32): bool {
  return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

function isExecMapping(flags: u32): bool {
  return (flags & (VM_EXEC | VM_WRITE | VM_GROWSDOWN)) == VM_EXEC;
}

/** Adds `pages` (negative: takes away) of a VMA with `flags` to the totals. */
export function accountVm(mm: Mm, flags: u32, pages: i64): void {
  mm.totalVm += pages;
  if (mm.totalVm > mm.hiwaterVm) mm.hiwaterVm = mm.totalVm;
  if (flags & VM_ACCOUNT) commit(pages);
  if (flags & VM_LOCKED) mm.lockedVm += pages;
  if (isExecMapping(flags)) mm.execVm += pages;
  else if (flags & VM_GROWSDOWN) mm.stackVm += pages;
  else if (isDataMapping(flags)) mm.dataVm += pages;
}
