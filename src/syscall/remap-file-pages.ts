import { EINVAL } from '../../assembly/abi/errno.js';
import {
  MAP_FIXED,
  MAP_LOCKED,
  MAP_NONBLOCK,
  MAP_POPULATE,
  MAP_SHARED,
} from '../../assembly/abi/mman.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { VM_EXEC, VM_LOCKED, VM_READ, VM_SHARED, VM_WRITE } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Mm, VmaInfo } from '../mm/mm.js';
import { mmap } from '../mm/mmap.js';
import { File } from '../vfs/file.js';
import { mapFileChecked } from '../vfs/mmap.js';
import type { U64 } from '../vfs/u64.js';
import { currentMm } from './args.js';
import { mmLimits } from '../kernel/mm-limits.js';

/** The arguments of remap_file_pages(2). */
export interface RemapFilePagesArgs {
  readonly addr: U64;
  /** Bytes. */
  readonly size: U64;
  /** Must be 0. */
  readonly prot: U64;
  /** The page of the file that shall show at `addr`. */
  readonly pgoff: U64;
  /** MAP_NONBLOCK counts. */
  readonly flags: number;
}

/** One shared mapping, or several of one file and the same kind without holes, must hold the range. */
function checkCovered(mm: Mm, first: VmaInfo, end: number): void {
  for (let vma = first; vma.end < end;) {
    const next = mm.findVma(vma.end);
    if (next === null || next.start !== vma.end) fail(EINVAL);
    if (next.file !== first.file || next.flags !== first.flags) fail(EINVAL);
    vma = next;
  }
}

/**
 * Shows other pages of a shared mapping's file in a part of it, by mapping the file there anew.
 *
 * @throws {LinuxError} EINVAL: a protection, an empty or wrapping range, no shared mapping there, or
 * several that differ; and what mmap() says
 * @see mm/mmap.c, SYSCALL_DEFINE5(remap_file_pages)
 */
export function sysRemapFilePages(task: TaskStruct, args: RemapFilePagesArgs): void {
  const start = BigInt(args.addr) & ~4095n;
  const size = BigInt(args.size) & ~4095n;
  if (args.prot !== 0 || BigInt.asUintN(64, start + size) <= start) fail(EINVAL);
  if (BigInt(args.pgoff) + (size >> 12n) >= 1n << 64n) fail(EINVAL);
  const mm = currentMm(task);
  const [addr, length] = [Number(start), Number(size)];
  const vma = mm.findVma(addr);
  if (vma === null || vma.start > addr || !(vma.flags & VM_SHARED)) fail(EINVAL);
  checkCovered(mm, vma, addr + length);
  const { file } = vma;
  if (!(file instanceof File)) fail(EINVAL);
  const prot = vma.flags & (VM_READ | VM_WRITE | VM_EXEC);
  const locked = vma.flags & VM_LOCKED ? MAP_LOCKED : 0;
  const flags = (args.flags & MAP_NONBLOCK) | MAP_SHARED | MAP_FIXED | MAP_POPULATE | locked;
  const pgoff = Number(args.pgoff);
  const mapFile = () => mapFileChecked(task, file, { prot, flags, length, pgoff });
  const offset = pgoff * PAGE_SIZE;
  mmap(mm, { addr, length, prot, flags, offset, mapFile }, mmLimits(task));
}
