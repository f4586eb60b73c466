// struct mm_struct: one address space.
import { PG_ROOT } from '../abi/layout';
import { PAGE_SHIFT, TASK_SIZE_SHIFT } from '../abi/page';
import { VM_ACCOUNT } from '../abi/vma';
import { dropSalt, takeSalt } from './asid';
import { allocZeroedFrame, putFrame, setPageFlags } from './frame';
import { commit } from './limits';
import { SLAB_MM, allocObject, freeObject } from './slab';
import { Vma, freeVma, leaveMapping } from './vma';
import { ZAP_UNMAP, zapAndFree } from './zap';

@unmanaged
export class Mm {
  /** Top page table, a frame. */
  pgd: usize;
  root: Vma | null;
  first: Vma | null;
  last: Vma | null;
  /** The VMA that findVma found last. */
  cached: Vma | null;
  mapCount: u32;
  /** The page table that was walked last, its pmd entry, and the 2 MiB region (all ones: none). */
  walkTable: usize;
  walkEntry: usize;
  walkRegion: u64;
  /** Frames that hold page tables, the top one included. */
  tables: u32;
  /** Resident pages by kind: MM_ANONPAGES, MM_FILEPAGES, MM_SHMEMPAGES. */
  rssAnon: u32;
  rssFile: u32;
  rssShmem: u32;
  /** Highest resident set so far, in pages. */
  hiwaterRss: u32;
  /** Pages of all VMAs, and of those that are data, executable, stack, locked. */
  totalVm: u64;
  hiwaterVm: u64;
  dataVm: u64;
  execVm: u64;
  stackVm: u64;
  lockedVm: u64;
  /** RLIMIT_AS of the tasks that run on it, in pages: how far their accesses grow a stack. */
  growthLimit: u64;
  /** Where top-down placement starts. */
  mmapBase: u64;
  /** What tells its TLB entries from those of others (tlb.ts). */
  salt: u64;
  /** Pages that the host watches (watch.ts), a frame; 0: none. */
  watches: usize;
}

export function newMm(mmapBase: u64): Mm | null {
  const mm = changetype<Mm>(allocObject(SLAB_MM, offsetof<Mm>()));
  if (mm == null) return null;
  const salt = takeSalt();
  const pgd = salt == 0 ? <usize>0 : allocZeroedFrame();
  if (pgd == 0) {
    if (salt != 0) dropSalt(salt);
    freeObject(SLAB_MM, changetype<usize>(mm));
    return null;
  }
  setPageFlags(pgd, PG_ROOT);
  mm.salt = salt;
  mm.pgd = pgd;
  mm.tables = 1;
  mm.walkRegion = u64.MAX_VALUE;
  mm.mmapBase = mmapBase;
  mm.growthLimit = u64.MAX_VALUE;
  return mm;
}

export function rss(mm: Mm): u32 {
  return mm.rssAnon + mm.rssFile + mm.rssShmem;
}

export function noteRss(mm: Mm): void {
  const now = rss(mm);
  if (now > mm.hiwaterRss) mm.hiwaterRss = now;
}

/** Drops every page, page table and VMA; the mm stays, empty. */
export function clearMm(mm: Mm): void {
  const top = (<u64>1) << TASK_SIZE_SHIFT;
  zapAndFree(mm, 0, top, ZAP_UNMAP, 0, top);
  let vma = mm.first;
  while (vma != null) {
    const next = vma.next;
    leaveMapping(vma);
    if (vma.flags & VM_ACCOUNT) commit(-(<i64>((vma.end - vma.start) >> PAGE_SHIFT)));
    freeVma(vma);
    vma = next;
  }
  mm.root = null;
  mm.first = null;
  mm.last = null;
  mm.cached = null;
  mm.mapCount = 0;
}

/** Drops everything and the mm itself: mm/mmap.c, exit_mmap(). */
export function exitMm(mm: Mm): void {
  clearMm(mm);
  putFrame(mm.pgd);
  if (mm.watches != 0) putFrame(mm.watches);
  dropSalt(mm.salt);
  freeObject(SLAB_MM, changetype<usize>(mm));
}
