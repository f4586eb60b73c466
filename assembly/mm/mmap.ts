// mmap() of private anonymous memory and munmap() as one call of the core each: mm/mmap.c, do_mmap();
// mm/vma.c, __mmap_setup() and do_vmi_munmap(). What asks a file or a capability stays with the host.
import { EEXIST, EINVAL, ENOMEM } from '../abi/errno';
import { MAP_FIXED_NOREPLACE, NEED_RAWIO } from '../abi/mman';
import { PAGE_OFFSET_MASK, PAGE_SHIFT } from '../abi/page';
import { VM_ACCOUNT, VM_NORESERVE, VM_SHARED, VM_WRITE } from '../abi/vma';
import { enoughMemory, mayExpandVm } from './limits';
import { hasReleasedFiles } from './mapping';
import { Mm } from './mm';
import { getUnmappedArea } from './place';
import { cutRange, mapCleared, pagesWithin, unmapRegion } from './region';
import { TASK_SIZE } from './user';
import { findVma } from './vma';

/** Private and writable: memory that must be accounted for (accountable_mapping). */
function isAccountable(flags: u32): bool {
  return (flags & (VM_NORESERVE | VM_SHARED | VM_WRITE)) == VM_WRITE;
}

/** Does any VMA reach into [start, end)? */
function isMapped(mm: Mm, start: u64, end: u64): bool {
  const vma = findVma(mm, start);
  return vma != null && vma.start < end;
}

/**
 * __mmap_setup(): cuts what is mapped at the ends of [start, end) and asks the limits; what was cut stays
 * so when one refuses. `sharedZero`: the file behind shared anonymous memory, promised whole as
 * shmem_acct_size() does. The flags of the new mapping, or a negative errno.
 */
export function setupRegion(
  mm: Mm,
  start: u64,
  end: u64,
  flags: u32,
  sharedZero: bool,
  maxMaps: u32,
): i32 {
  return setup(mm, start, end, flags, sharedZero, maxMaps, isMapped(mm, start, end));
}

/** The same where it is known whether anything is mapped. */
function setup(
  mm: Mm,
  start: u64,
  end: u64,
  flags: u32,
  sharedZero: bool,
  maxMaps: u32,
  mapped: bool,
): i32 {
  const pages = <i64>((end - start) >> PAGE_SHIFT);
  let replaced: i64 = 0;
  let promised: i64 = 0;
  if (mapped) {
    const error = cutRange(mm, start, end, maxMaps);
    if (error) return error;
    replaced = <i64>pagesWithin(mm, start, end, 0);
    promised = <i64>pagesWithin(mm, start, end, VM_ACCOUNT);
  }
  if (!mayExpandVm(mm, flags, pages - replaced)) return -ENOMEM;
  if (sharedZero && !(flags & VM_NORESERVE) && !enoughMemory(mm, pages)) return -ENOMEM;
  if (!isAccountable(flags)) return <i32>flags;
  return enoughMemory(mm, pages - promised) ? <i32>(flags | VM_ACCOUNT) : -ENOMEM;
}

/**
 * Maps `length` bytes of private anonymous memory with `flags` (VM_*), as `how` (MAP_*) and `hint` say
 * where; with `aligns` it is placed for huge pages unless there is a hint. The address, plus 1 when files wait for their release, or a negative errno; -NEED_RAWIO, and
 * nothing was done, when it lies below `minAddr`.
 */
export function mmapAnonymous(
  mm: Mm,
  hint: u64,
  length: u64,
  flags: u32,
  how: u32,
  aligns: bool,
  minAddr: u64,
  maxMaps: u32,
): i64 {
  if (mm.mapCount > maxMaps) return -ENOMEM;
  const place = getUnmappedArea(mm, hint, length, how, aligns && hint == 0 ? 0 : -1);
  if (place < 0) return place;
  const start = <u64>place;
  const end = start + length;
  if (start < minAddr) return -NEED_RAWIO;
  const mapped = isMapped(mm, start, end);
  if (mapped && how & MAP_FIXED_NOREPLACE) return -EEXIST;
  const bits = setup(mm, start, end, flags, false, maxMaps, mapped);
  if (bits < 0) return bits;
  let error = mapped ? unmapRegion(mm, start, end, maxMaps) : 0;
  if (!error) error = mapCleared(mm, start, end, bits, null, start >> PAGE_SHIFT, 0);
  if (error) return error;
  return hasReleasedFiles() ? place + 1 : place;
}

/** munmap() of [addr, addr + length), length rounded up; 0, 1 with released files, or a negative errno. */
export function munmap(mm: Mm, addr: u64, length: u64, maxMaps: u32): i32 {
  if (addr & PAGE_OFFSET_MASK || addr > TASK_SIZE || length > TASK_SIZE - addr) return -EINVAL;
  const end = (addr + length + PAGE_OFFSET_MASK) & ~(<u64>PAGE_OFFSET_MASK);
  if (end == addr) return -EINVAL;
  const error = unmapRegion(mm, addr, end, maxMaps);
  return error == 0 && hasReleasedFiles() ? 1 : error;
}
