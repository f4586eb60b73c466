import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { updateCurr } from '../kernel/rusage.js';
import type { TaskStruct } from '../kernel/task.js';
import { countFrames } from '../mm/frame-counts.js';

/** Kernel stack of a task in kB, as nr_kernel_stack counts it. */
const STACK_KB = 16;

/**
 * /proc/vmstat: the counts of what there is now, in pages and in Linux's order, and of what ever
 * happened the page faults.
 * @see mm/vmstat.c vmstat_text
 */
export function showVmstat({ kernel }: TaskStruct): string {
  updateCurr(kernel);
  const { cpuStat } = kernel;
  const counts = countFrames(kernel.core);
  const total = Math.floor(kernel.profile.totalRam / PAGE_SIZE);
  const { anon, file, shmem, mapped, pageTables, slab } = counts;
  // Nothing is reclaimed, so everything is as young as it was: see showMeminfo().
  const lines: readonly (readonly [string, number])[] = [
    ['nr_free_pages', total - kernel.core.framesInUse],
    ['nr_zone_inactive_anon', anon + shmem],
    ['nr_zone_active_anon', 0],
    ['nr_zone_inactive_file', file],
    ['nr_zone_active_file', 0],
    ['nr_zone_unevictable', 0],
    ['nr_zone_write_pending', 0],
    ['nr_mlock', 0],
    ['nr_inactive_anon', anon + shmem],
    ['nr_active_anon', 0],
    ['nr_inactive_file', file],
    ['nr_active_file', 0],
    ['nr_unevictable', 0],
    ['nr_slab_reclaimable', 0],
    ['nr_slab_unreclaimable', slab],
    ['nr_anon_pages', anon],
    ['nr_mapped', mapped],
    ['nr_file_pages', file + shmem],
    ['nr_dirty', 0],
    ['nr_writeback', 0],
    ['nr_shmem', shmem],
    ['nr_anon_transparent_hugepages', 0],
    ['nr_kernel_stack', [...kernel.tasks()].length * STACK_KB],
    ['nr_page_table_pages', pageTables],
    ['nr_swapcached', 0],
    ['pgfault', cpuStat.minflt + cpuStat.majflt],
    ['pgmajfault', cpuStat.majflt],
  ];
  return lines.map(([name, pages]) => `${name} ${pages}\n`).join('');
}
