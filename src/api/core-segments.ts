import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import type { CoreSegment } from '../elf/core-writer.js';
import { PF_R, PF_W, PF_X } from '../elf/format.js';
import { hasElfMagic } from '../elf/header.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { type AddressRange, dumpBytes, hasAnonVma, knownRuns } from '../mm/dump.js';
import type { VmaInfo } from '../mm/mm.js';
import { File } from '../vfs/file.js';
import { isStandIn } from './core-file-system.js';

// Bits of /proc/PID/coredump_filter: MMF_DUMP_* of include/linux/sched/coredump.h.
const ANON_PRIVATE = 0x1;
const ANON_SHARED = 0x2;
const MAPPED_PRIVATE = 0x4;
const MAPPED_SHARED = 0x8;
const ELF_HEADERS = 0x10;

const EXECUTABLE = 0o111;

/**
 * The segments of a core of `mm`: one for each mapping, as the kernel makes them.
 * A mapping of which a part was lost, as a core that was loaded did not have it, becomes several: what is
 * not known is not dumped as zeros.
 *
 * @param filter bits of /proc/PID/coredump_filter
 * @see fs/coredump.c, dump_vma_snapshot()
 */
export function coreSegments(mm: MmStruct, filter: number): CoreSegment[] {
  return [...mm.vmas()].flatMap((vma) => vmaSegments(mm, vma, filter));
}

/** The legacy vsyscall page of x86-64: in no tables, but in every core (get_gate_vma()). */
export const VSYSCALL_PAGE: CoreSegment = {
  vaddr: 0xffffffffff600000n,
  memsz: PAGE_SIZE,
  filesz: PAGE_SIZE,
  flags: PF_X,
  contents: () => [],
};

function vmaSegments(mm: MmStruct, vma: VmaInfo, filter: number): CoreSegment[] {
  // A file that is to be had loses nothing: the kernel's rule is for it.
  const known = isStandIn(vma.file) ? knownRuns(mm, vma) : null;
  if (known === null) return [segment(mm, vma, vma, vmaDumpSize(mm, vma, filter))];
  const dumped = (filter & ANON_PRIVATE) !== 0 ? known : [];
  const starts = dumped.map(({ start }) => start);
  if (starts[0] !== vma.start) starts.unshift(vma.start);
  return starts.map((start, i) => {
    const run = dumped.find((each) => each.start === start);
    const range = { start, end: starts[i + 1] ?? vma.end };
    return segment(mm, vma, range, run === undefined ? 0 : run.end - start);
  });
}

function segment(mm: MmStruct, vma: VmaInfo, range: AddressRange, filesz: number): CoreSegment {
  const { start, end } = range;
  const readable = (vma.flags & vm.VM_READ) !== 0 ? PF_R : 0;
  const writable = (vma.flags & vm.VM_WRITE) !== 0 ? PF_W : 0;
  const executable = (vma.flags & vm.VM_EXEC) !== 0 ? PF_X : 0;
  return {
    vaddr: BigInt(start),
    memsz: end - start,
    filesz,
    flags: readable | writable | executable,
    *contents(from, to) {
      for (const { addr, bytes } of dumpBytes(mm, vma, { start: start + from, end: start + to })) {
        yield { offset: addr - start, bytes };
      }
    },
  };
}

/**
 * How many bytes of a mapping the kernel dumps.
 *
 * @see fs/coredump.c, vma_dump_size()
 */
function vmaDumpSize(mm: MmStruct, vma: VmaInfo, filter: number): number {
  const whole = vma.end - vma.start;
  // always_dump_vma()
  if (vma.special) return whole;
  if ((vma.flags & (vm.VM_DONTDUMP | vm.VM_IO)) !== 0) return 0;
  const file = vma.file instanceof File ? vma.file : null;
  if ((vma.flags & vm.VM_SHARED) !== 0) {
    const unlinked = file !== null && file.inode.nlink === 0;
    return (filter & (unlinked ? ANON_SHARED : MAPPED_SHARED)) !== 0 ? whole : 0;
  }
  if ((filter & ANON_PRIVATE) !== 0 && hasAnonVma(mm, vma)) return whole;
  if (file === null) return 0;
  if ((filter & MAPPED_PRIVATE) !== 0) return whole;
  const first = (filter & ELF_HEADERS) !== 0 && vma.pgoff === 0 && (vma.flags & vm.VM_READ) !== 0;
  return first && mayBeElf(mm, vma, file) ? PAGE_SIZE : 0;
}

/** An executable by its mode, or a library by its first bytes. */
function mayBeElf(mm: MmStruct, vma: VmaInfo, file: File): boolean {
  if ((file.inode.mode & EXECUTABLE) !== 0) return true;
  const { start } = vma;
  const [first] = dumpBytes(mm, vma, { start, end: start + PAGE_SIZE });
  return first?.addr === start && hasElfMagic(first.bytes);
}
