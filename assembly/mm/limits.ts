// What bounds the memory of the task that makes a call: its resource limits, and the machine's rule about
// memory promised to everybody. The host sets them before a call that may need them. Pages throughout.
import { PAGE_SHIFT } from '../abi/page';
import { isDataMapping } from './account';
import { Mm } from './mm';

/** RLIMIT_AS and RLIMIT_DATA, and the hard limit of the latter. */
let addressSpace: u64 = <u64>i64.MAX_VALUE;
let data: u64 = <u64>i64.MAX_VALUE;
let dataMax: u64 = <u64>i64.MAX_VALUE;
/** vm.overcommit_memory 0: the most that one call may ask for; otherwise no bound. */
let largest: u64 = <u64>i64.MAX_VALUE;
/** vm.overcommit_memory 2: the most that all may be promised; otherwise no bound. */
let commitLimit: u64 = <u64>i64.MAX_VALUE;
/** vm.user_reserve_kbytes: what a growing process leaves to others, at most. */
const USER_RESERVE: u64 = 131072 >> 2;

/** Pages promised to everybody: vm_committed_as. */
let committed: i64 = 0;

export function setSpaceLimits(as: u64, soft: u64, hard: u64): void {
  addressSpace = as;
  data = soft;
  dataMax = hard;
}

export function setCommitLimits(single: u64, all: u64): void {
  largest = single;
  commitLimit = all;
}

export function committedPages(): i64 {
  return committed;
}

export function setCommittedPages(pages: i64): void {
  committed = pages;
}

/** vm_acct_memory() and vm_unacct_memory() */
export function commit(pages: i64): void {
  committed += pages;
}

/** mm/mmap.c, may_expand_vm(): may `mm` have `pages` more of a mapping with `flags`? */
export function mayExpandVm(mm: Mm, flags: u32, pages: i64): bool {
  if (<i64>mm.totalVm + pages > <i64>addressSpace) return false;
  if (!isDataMapping(flags) || <i64>mm.dataVm + pages <= <i64>data) return true;
  // A soft limit of 0 is what valgrind sets: the hard one counts then.
  return data == 0 && <i64>mm.dataVm + pages <= <i64>dataMax;
}

/** mm/util.c, __vm_enough_memory(): may `pages` more be promised to `mm`? Nothing is charged. */
export function enoughMemory(mm: Mm, pages: i64): bool {
  if (pages <= 0) return true;
  if (<u64>pages > largest) return false;
  if (commitLimit >= <u64>i64.MAX_VALUE) return true;
  const reserve = min(mm.totalVm / 32, USER_RESERVE);
  return committed + pages < <i64>commitLimit - <i64>reserve;
}

/** Pages of a length in bytes, or none where there is no bound. */
export function limitPages(bytes: f64): u64 {
  return bytes >= 9007199254740992.0 ? <u64>i64.MAX_VALUE : (<u64>bytes) >> PAGE_SHIFT;
}
