import { ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { PTRACE_MODE_READ } from '../kernel/ptrace.js';
import type { File, FileOperations } from '../vfs/file.js';
import { singleFile } from '../vfs/seq-file.js';
import { memOf, openMem } from './mem-open.js';
import { procTaskOf } from './proc-inode.js';
import { EMPTY_STATS, gatherStats, showStats } from './smaps.js';

/** fs/proc/task_mmu.c show_smaps_rollup() */
function show(file: File): string {
  procTaskOf(file);
  const mm = memOf(file);
  if (mm === null || !mm.alive) fail(ESRCH);
  let stats = EMPTY_STATS;
  let start = 0;
  let end = 0;
  for (const vma of mm.vmas()) {
    if (end === 0) start = vma.start;
    end = vma.end;
    stats = gatherStats(stats, mm, vma);
  }
  const hex8 = (value: number): string => value.toString(16).padStart(8, '0');
  const header = `${hex8(start)}-${hex8(end)} ---p 00000000 00:00 0 `;
  return `${header.padEnd(73)}[rollup]\n${showStats(stats, true)}`;
}

/**
 * /proc/PID/smaps_rollup: the sums of smaps. Unlike smaps it needs a memory at open (K-032).
 * @see fs/proc/task_mmu.c proc_pid_smaps_rollup_operations
 */
export const smapsRollupOperations: FileOperations = singleFile((_caller, file) => show(file), {
  open: (caller, file) => openMem(caller, file, PTRACE_MODE_READ),
});
