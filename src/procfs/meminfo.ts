import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { Kernel } from '../kernel/kernel.js';
import type { TaskStruct } from '../kernel/task.js';
import { committedPages, countFrames } from '../mm/frame-counts.js';

const PAGE_KB = PAGE_SIZE / 1024;
/** Kernel stack of a task: THREAD_SIZE. */
const STACK_KB = 16;
/** VMALLOC_TOTAL of x86-64 with four levels of page tables. */
const VMALLOC_TOTAL_KB = 34359738367;
/** Size of a huge page, of which there are none. */
const HUGE_PAGE_KB = 2048;

/** What may be promised under vm.overcommit_memory 2 (mm/util.c vm_commit_limit()). */
function commitLimitKb({ sysctl }: Kernel, totalKb: number): number {
  const kbytes = sysctl.get('vm.overcommit_kbytes');
  return kbytes > 0 ? kbytes : Math.floor((totalKb * sysctl.get('vm.overcommit_ratio')) / 100);
}

/** One line; without a unit for a count. */
function line(label: string, value: number, unit = ' kB'): string {
  return `${`${label}:`.padEnd(16)}${String(value).padStart(8)}${unit}\n`;
}

/** The first third: pages by use. Nothing is reclaimed, so everything is as young as it was. */
function memory(total: number, free: number, anon: number, file: number, shmem: number): string {
  const lines: readonly (readonly [string, number])[] = [
    ['MemTotal', total],
    ['MemFree', free],
    ['MemAvailable', free],
    ['Buffers', 0],
    ['Cached', file + shmem],
    ['SwapCached', 0],
    ['Active', 0],
    ['Inactive', anon + file + shmem],
    ['Active(anon)', 0],
    ['Inactive(anon)', anon + shmem],
    ['Active(file)', 0],
    ['Inactive(file)', file],
    ['Unevictable', 0],
    ['Mlocked', 0],
    ['SwapTotal', 0],
    ['SwapFree', 0],
    ['Zswap', 0],
    ['Zswapped', 0],
    ['Dirty', 0],
    ['Writeback', 0],
    ['AnonPages', anon],
  ];
  return lines.map(([label, kb]) => line(label, kb)).join('');
}

/** Huge pages, of which there are none. */
const HUGE = [
  ...['AnonHugePages', 'ShmemHugePages', 'ShmemPmdMapped', 'FileHugePages', 'FilePmdMapped'].map(
    (label) => line(label, 0),
  ),
  line('Balloon', 0),
  ...['Total', 'Free', 'Rsvd', 'Surp'].map((label) => line(`HugePages_${label}`, 0, '')),
  line('Hugepagesize', HUGE_PAGE_KB),
  line('Hugetlb', 0),
].join('');

/**
 * /proc/meminfo: what the machine has and what it uses.
 * @see fs/proc/meminfo.c meminfo_proc_show()
 */
export function showMeminfo({ kernel }: TaskStruct): string {
  const counts = countFrames(kernel.core);
  const total = Math.floor(kernel.profile.totalRam / 1024);
  const free = total - kernel.core.framesInUse * PAGE_KB;
  const [anon, file, shmem, mapped, tables, slab] = [
    ...[counts.anon, counts.file, counts.shmem, counts.mapped, counts.pageTables, counts.slab],
  ].map((pages) => pages * PAGE_KB) as [number, number, number, number, number, number];
  const rest: readonly (readonly [string, number])[] = [
    ['Mapped', mapped],
    ['Shmem', shmem],
    ['KReclaimable', 0],
    ['Slab', slab],
    ['SReclaimable', 0],
    ['SUnreclaim', slab],
    ['KernelStack', [...kernel.tasks()].length * STACK_KB],
    ['PageTables', tables],
    ['SecPageTables', 0],
    ['NFS_Unstable', 0],
    ['Bounce', 0],
    ['WritebackTmp', 0],
    ['CommitLimit', commitLimitKb(kernel, total)],
    ['Committed_AS', committedPages(kernel.core) * PAGE_KB],
    ['VmallocTotal', VMALLOC_TOTAL_KB],
    ['VmallocUsed', 0],
    ['VmallocChunk', 0],
    ['Percpu', 0],
  ];
  return [
    memory(total, free, anon, file, shmem),
    ...rest.map(([label, kb]) => line(label, kb)),
    HUGE,
    line('DirectMap4k', total),
    line('DirectMap2M', 0),
  ].join('');
}
