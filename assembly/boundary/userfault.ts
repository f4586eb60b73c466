// What a userfaultfd does to an address space, and what stopped an access for one.
import { Mm } from '../mm/mm';
import * as userfault from '../mm/userfault';
import * as fill from '../mm/userfault-fill';
import * as move from '../mm/userfault-move';
import * as range from '../mm/userfault-range';
import { Vma } from '../mm/vma';

/** Vma.uffd (abi/userfault.ts) of the fault that FAULT_USERFAULT or NEED_USERFAULT told of last. */
export function userfaultUffd(): u32 {
  return userfault.userfaultUffd();
}

/** Whose it is. */
export function userfaultMm(): usize {
  return userfault.userfaultMm();
}

export function userfaultAddr(): f64 {
  return <f64>userfault.userfaultAddr();
}

/** UFFD_PAGEFAULT_FLAG_* */
export function userfaultFlags(): u32 {
  return userfault.userfaultFlags();
}

/** Fills [start, end) with pages (FILL_*); `mmFrom` 0: from linear memory. Bytes filled. */
export function uffdFill(
  mm: usize,
  start: f64,
  end: f64,
  kind: u32,
  wp: bool,
  mmFrom: usize,
  from: f64,
  stackLimit: f64,
): f64 {
  return <f64>(
    fill.uffdFill(
      changetype<Mm>(mm),
      <u64>start,
      <u64>end,
      kind,
      wp,
      changetype<Mm | null>(mmFrom),
      <u64>from,
      <u64>stackLimit,
    )
  );
}

/** Why the last uffdFill() ended early: an errno, NEED_*, or 0. */
export function uffdFillStop(): i32 {
  return fill.fillStop();
}

/** Moves pages inside a memory; bytes moved, or a negative errno. */
export function uffdMove(
  mm: usize,
  number: u32,
  dst: f64,
  src: f64,
  length: f64,
  holes: bool,
): f64 {
  return <f64>move.uffdMove(changetype<Mm>(mm), number, <u64>dst, <u64>src, <u64>length, holes);
}

/** Write-protects the pages of [start, end), or lets them go; 0 or a negative errno. */
export function uffdWriteProtect(mm: usize, start: f64, end: f64, protect: bool): i32 {
  return range.uffdWriteProtect(changetype<Mm>(mm), <u64>start, <u64>end, protect);
}

/** Gives the VMAs of [start, end) the word `uffd` (abi/userfault.ts), 0 to unregister; 0 or -ENOMEM. */
export function uffdRegister(mm: usize, start: f64, end: f64, uffd: u32, maxMaps: u32): i32 {
  return range.uffdRegister(changetype<Mm>(mm), <u64>start, <u64>end, uffd, maxMaps);
}

export function uffdRelease(mm: usize, number: u32): void {
  range.uffdRelease(changetype<Mm>(mm), number);
}

/** vma_is_shmem() */
export function isShmem(vma: usize): bool {
  return fill.isShmem(changetype<Vma>(vma));
}
