import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { UFFD_MINOR, UFFD_MISSING, UFFD_WP } from '../../assembly/abi/userfault.js';
import * as vm from '../../assembly/abi/vma.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import type { VmaInfo } from '../mm/mm.js';
import { vmaStats } from '../mm/pagemap.js';
import type { VmaPages } from '../mm/pagemap.js';
import type { File, FileOperations } from '../vfs/file.js';
import { vmaListOperations, VSYSCALL_LINE } from './maps.js';
import { vmaHeader, vmaName } from './vma-text.js';

/** Kilobytes of a page. */
const PAGE_KB = PAGE_SIZE / 1024;
/** Parts of a byte that proportional sizes count: 1 << PSS_SHIFT of fs/proc/task_mmu.c. */
const PSS_UNIT = 4096;

/**
 * Mnemonics of vm_flags in the order of Linux's bits (fs/proc/task_mmu.c show_smap_vma_flags()).
 */
const MNEMONICS: readonly (readonly [number, string])[] = [
  [vm.VM_READ, 'rd'],
  [vm.VM_WRITE, 'wr'],
  [vm.VM_EXEC, 'ex'],
  [vm.VM_SHARED, 'sh'],
  [vm.VM_MAYREAD, 'mr'],
  [vm.VM_MAYWRITE, 'mw'],
  [vm.VM_MAYEXEC, 'me'],
  [vm.VM_MAYSHARE, 'ms'],
  [vm.VM_GROWSDOWN, 'gd'],
  [vm.VM_PFNMAP, 'pf'],
  [vm.VM_MAYBE_GUARD, 'gu'],
  [vm.VM_LOCKED, 'lo'],
  [vm.VM_IO, 'io'],
  [vm.VM_SEQ_READ, 'sr'],
  [vm.VM_RAND_READ, 'rr'],
  [vm.VM_DONTCOPY, 'dc'],
  [vm.VM_DONTEXPAND, 'de'],
  [vm.VM_LOCKONFAULT, 'lf'],
  [vm.VM_ACCOUNT, 'ac'],
  [vm.VM_NORESERVE, 'nr'],
  [vm.VM_SYNC, 'sf'],
  [vm.VM_WIPEONFORK, 'wf'],
  [vm.VM_DONTDUMP, 'dd'],
  [vm.VM_MIXEDMAP, 'mm'],
  [vm.VM_HUGEPAGE, 'hg'],
  [vm.VM_NOHUGEPAGE, 'nh'],
  [vm.VM_MERGEABLE, 'mg'],
  [vm.VM_DROPPABLE, 'dp'],
  [vm.VM_SEALED, 'sl'],
];

/** What smaps counts: pages, and proportional sizes in 1/4096 of a byte (struct mem_size_stats). */
export interface MemSizeStats extends Omit<VmaPages, 'mapcountMax'> {
  /** Proportional size of what is locked. */
  readonly pssLocked: number;
}

/** Counts of nothing. */
export const EMPTY_STATS: MemSizeStats = {
  ...{ rss: 0, pss: 0, pssDirty: 0, pssAnon: 0, pssFile: 0, pssShmem: 0, pssLocked: 0 },
  ...{ sharedClean: 0, sharedDirty: 0, privateClean: 0, privateDirty: 0 },
  ...{ referenced: 0, anonymous: 0 },
};

/** Counts with those of one mapping added (fs/proc/task_mmu.c smap_gather_stats()). */
export function gatherStats(total: MemSizeStats, mm: MmStruct, vma: VmaInfo): MemSizeStats {
  const pages = vmaStats(mm, vma);
  const locked = (vma.flags & vm.VM_LOCKED) !== 0;
  return {
    rss: total.rss + pages.rss,
    pss: total.pss + pages.pss,
    pssDirty: total.pssDirty + pages.pssDirty,
    pssAnon: total.pssAnon + pages.pssAnon,
    pssFile: total.pssFile + pages.pssFile,
    pssShmem: total.pssShmem + pages.pssShmem,
    pssLocked: total.pssLocked + (locked ? pages.pss : 0),
    sharedClean: total.sharedClean + pages.sharedClean,
    sharedDirty: total.sharedDirty + pages.sharedDirty,
    privateClean: total.privateClean + pages.privateClean,
    privateDirty: total.privateDirty + pages.privateDirty,
    referenced: total.referenced + pages.referenced,
    anonymous: total.anonymous + pages.anonymous,
  };
}

/** One line: a label and kB. */
function kb(label: string, kilobytes: number): string {
  return `${`${label}:`.padEnd(16)}${String(kilobytes).padStart(8)} kB\n`;
}

/** One line of a count of pages. */
const pagesLine = (label: string, pages: number): string => kb(label, pages * PAGE_KB);

/** One line of a proportional size, cut to whole kB. */
const shareLine = (label: string, share: number): string =>
  kb(label, Math.floor(share / PSS_UNIT / 1024));

/**
 * The counts as lines.
 * @param rollup smaps_rollup's form, which splits Pss by kind
 * @see fs/proc/task_mmu.c __show_smap()
 */
export function showStats(stats: MemSizeStats, rollup: boolean): string {
  const kinds = [
    shareLine('Pss_Anon', stats.pssAnon),
    shareLine('Pss_File', stats.pssFile),
    shareLine('Pss_Shmem', stats.pssShmem),
  ];
  // No page is merged, lazily freed, huge or swapped in this kernel.
  const never = ['KSM', 'LazyFree', 'AnonHugePages', 'ShmemPmdMapped', 'FilePmdMapped'];
  const hugetlbAndSwap = ['Shared_Hugetlb', 'Private_Hugetlb', 'Swap', 'SwapPss'];
  return [
    pagesLine('Rss', stats.rss),
    shareLine('Pss', stats.pss),
    shareLine('Pss_Dirty', stats.pssDirty),
    ...(rollup ? kinds : []),
    pagesLine('Shared_Clean', stats.sharedClean),
    pagesLine('Shared_Dirty', stats.sharedDirty),
    pagesLine('Private_Clean', stats.privateClean),
    pagesLine('Private_Dirty', stats.privateDirty),
    pagesLine('Referenced', stats.referenced),
    pagesLine('Anonymous', stats.anonymous),
    ...[...never, ...hugetlbAndSwap].map((label) => kb(label, 0)),
    shareLine('Locked', stats.pssLocked),
  ].join('');
}

/** Where those of a userfaultfd stand: before which of the others, and their bits of Vma.uffd. */
const UFFD_MNEMONICS: Readonly<Record<string, readonly [number, string]>> = {
  pf: [UFFD_MISSING, 'um'],
  lo: [UFFD_WP, 'uw'],
  sl: [UFFD_MINOR, 'ui'],
};

/** VM_SOFTDIRTY is bit 27, next above VM_DONTDUMP. */
function showVmFlags(flags: number, uffd: number, softDirty: boolean): string {
  let text = 'VmFlags: ';
  for (const [bit, name] of MNEMONICS) {
    const [mode, shown] = UFFD_MNEMONICS[name] ?? [0, ''];
    if ((uffd & mode) !== 0) text += `${shown} `;
    if ((flags & bit) !== 0) text += `${name} `;
    if (bit === vm.VM_DONTDUMP && softDirty) text += 'sd ';
  }
  return `${text}\n`;
}

function block(header: string, size: number, stats: MemSizeStats, vmFlags: string): string {
  const pageSizes =
    kb('Size', size / 1024) + kb('KernelPageSize', PAGE_KB) + kb('MMUPageSize', PAGE_KB);
  const eligible = `${'THPeligible:'.padEnd(16)}${'0'.padStart(8)}\n`;
  return header + pageSizes + showStats(stats, false) + eligible + vmFlags;
}

function showSmap(mm: MmStruct, vma: VmaInfo, file: File): string {
  const stats = gatherStats(EMPTY_STATS, mm, vma);
  const softDirty = file.inode.sb.vfs.kernel.profile.softDirty && vma.softDirty;
  const flags = showVmFlags(vma.flags, vma.uffd, softDirty);
  return block(`${vmaHeader(vma, vmaName(vma))}\n`, vma.end - vma.start, stats, flags);
}

/**
 * /proc/PID/smaps: maps with what is in memory (K-614; fs/proc/task_mmu.c
 * proc_pid_smaps_operations).
 */
export const smapsOperations: FileOperations = vmaListOperations({
  vma: showSmap,
  gate: block(VSYSCALL_LINE, PAGE_SIZE, EMPTY_STATS, showVmFlags(vm.VM_EXEC, 0, false)),
});
