import { PAGE_SIZE } from '../../assembly/abi/page.js';
import * as vm from '../../assembly/abi/vma.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import type { VmaInfo } from '../mm/mm.js';
import { vmaStats } from '../mm/pagemap.js';
import type { FileOperations } from '../vfs/file.js';
import { vmaListOperations, VSYSCALL_LINE } from './maps.js';
import { vmaFile, vmaHeader, vmaName } from './vma-text.js';

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
  [vm.VM_LOCKED, 'lo'],
  [vm.VM_IO, 'io'],
  [vm.VM_SEQ_READ, 'sr'],
  [vm.VM_RAND_READ, 'rr'],
  [vm.VM_DONTCOPY, 'dc'],
  [vm.VM_DONTEXPAND, 'de'],
  [vm.VM_LOCKONFAULT, 'lf'],
  [vm.VM_ACCOUNT, 'ac'],
  [vm.VM_NORESERVE, 'nr'],
  [vm.VM_HUGETLB, 'ht'],
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

/** What smaps counts, in bytes (struct mem_size_stats). */
export interface MemSizeStats {
  rss: number;
  pss: number;
  pssDirty: number;
  pssAnon: number;
  pssFile: number;
  pssShmem: number;
  sharedClean: number;
  sharedDirty: number;
  privateClean: number;
  privateDirty: number;
  referenced: number;
  anonymous: number;
  locked: number;
}

/** Counts of nothing. */
export function emptyStats(): MemSizeStats {
  return {
    ...{ rss: 0, pss: 0, pssDirty: 0, pssAnon: 0, pssFile: 0, pssShmem: 0 },
    ...{ sharedClean: 0, sharedDirty: 0, privateClean: 0, privateDirty: 0 },
    ...{ referenced: 0, anonymous: 0, locked: 0 },
  };
}

/** Adds one mapping to counts (fs/proc/task_mmu.c smap_gather_stats()). */
export function gatherStats(total: MemSizeStats, mm: MmStruct, vma: VmaInfo): void {
  const pages = vmaStats(mm, vma);
  const own = (pages.privateClean + pages.privateDirty) * PAGE_SIZE;
  const shared = pages.sharedClean + pages.sharedDirty;
  // Shared pages are taken to be shared alike, dirty or not: the core counts their part as one.
  const sharedPss = pages.pss - own;
  const dirtyPart = shared === 0 ? 0 : (sharedPss * pages.sharedDirty) / shared;
  const anonPss = pages.rss === 0 ? 0 : (pages.pss * pages.anonymous) / pages.rss;
  const file = vmaFile(vma);
  const shmem = file !== null && file.inode.sb.type === 'tmpfs';
  total.rss += pages.rss * PAGE_SIZE;
  total.pss += pages.pss;
  total.pssDirty += pages.privateDirty * PAGE_SIZE + dirtyPart;
  total.pssAnon += anonPss;
  if (shmem) total.pssShmem += pages.pss - anonPss;
  else total.pssFile += pages.pss - anonPss;
  total.sharedClean += pages.sharedClean * PAGE_SIZE;
  total.sharedDirty += pages.sharedDirty * PAGE_SIZE;
  total.privateClean += pages.privateClean * PAGE_SIZE;
  total.privateDirty += pages.privateDirty * PAGE_SIZE;
  total.referenced += pages.referenced * PAGE_SIZE;
  total.anonymous += pages.anonymous * PAGE_SIZE;
  if ((vma.flags & vm.VM_LOCKED) !== 0) total.locked += pages.pss;
}

/** One line: a label, and bytes as kB. */
function kb(label: string, bytes: number): string {
  return `${`${label}:`.padEnd(16)}${String(Math.floor(bytes / 1024)).padStart(8)} kB\n`;
}

/**
 * The counts as lines.
 * @param rollup smaps_rollup's form, which splits Pss by kind
 * @see fs/proc/task_mmu.c __show_smap()
 */
export function showStats(stats: MemSizeStats, rollup: boolean): string {
  const kinds = rollup
    ? kb('Pss_Anon', stats.pssAnon) +
      kb('Pss_File', stats.pssFile) +
      kb('Pss_Shmem', stats.pssShmem)
    : '';
  return [
    kb('Rss', stats.rss),
    kb('Pss', stats.pss),
    kb('Pss_Dirty', stats.pssDirty),
    kinds,
    kb('Shared_Clean', stats.sharedClean),
    kb('Shared_Dirty', stats.sharedDirty),
    kb('Private_Clean', stats.privateClean),
    kb('Private_Dirty', stats.privateDirty),
    kb('Referenced', stats.referenced),
    kb('Anonymous', stats.anonymous),
    // No page is merged, lazily freed, huge or swapped in this kernel.
    kb('KSM', 0),
    kb('LazyFree', 0),
    kb('AnonHugePages', 0),
    kb('ShmemPmdMapped', 0),
    kb('FilePmdMapped', 0),
    kb('Shared_Hugetlb', 0),
    kb('Private_Hugetlb', 0),
    kb('Swap', 0),
    kb('SwapPss', 0),
    kb('Locked', stats.locked),
  ].join('');
}

function showVmFlags(flags: number): string {
  const set = MNEMONICS.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => `${name} `);
  return `VmFlags: ${set.join('')}\n`;
}

function block(header: string, size: number, stats: MemSizeStats, flags: number): string {
  const pageSizes =
    kb('Size', size) + kb('KernelPageSize', PAGE_SIZE) + kb('MMUPageSize', PAGE_SIZE);
  const eligible = `${'THPeligible:'.padEnd(16)}${'0'.padStart(8)}\n`;
  return header + pageSizes + showStats(stats, false) + eligible + showVmFlags(flags);
}

function showSmap(mm: MmStruct, vma: VmaInfo): string {
  const stats = emptyStats();
  gatherStats(stats, mm, vma);
  return block(`${vmaHeader(vma, vmaName(vma))}\n`, vma.end - vma.start, stats, vma.flags);
}

/**
 * /proc/PID/smaps: maps with what is in memory (K-614; fs/proc/task_mmu.c
 * proc_pid_smaps_operations).
 */
export const smapsOperations: FileOperations = vmaListOperations({
  vma: showSmap,
  gate: block(VSYSCALL_LINE, PAGE_SIZE, emptyStats(), vm.VM_EXEC),
});
