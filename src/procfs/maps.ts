import { ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { PTRACE_MODE_READ } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import type { VmaInfo } from '../mm/mm.js';
import type { File, FileOperations } from '../vfs/file.js';
import { seqFile } from '../vfs/seq-file.js';
import type { SeqRecord } from '../vfs/seq-file.js';
import { procMemOpen } from './mem-open.js';
import { getProcTask } from './proc-inode.js';
import { procmapQuery } from './procmap-query.js';
import { vmaHeader, vmaName } from './vma-text.js';

/**
 * The line of the page of vsyscalls, execute-only: every process of x86-64 shows it though no VMA is
 * there (K-601).
 */
export const VSYSCALL_LINE =
  'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n';
/** Where the list ends. */
const END_INDEX = Number.MAX_SAFE_INTEGER;

/** What the files that list mappings show of one, and after the last. */
export interface VmaShow {
  /** The record of a mapping, a byte string. */
  readonly vma: (mm: MmStruct, vma: VmaInfo, file: File) => string;
  /** The record of the vsyscall page, which only x86-64 has (arch/x86/entry/vsyscall, get_gate_vma()). */
  readonly gate: string;
}

/**
 * The next mapping at or above an address. The mappings are looked at anew each time, so that one
 * read goes on where the last stopped whatever changed.
 * @throws {LinuxError} ESRCH: the task is gone
 * @see fs/proc/task_mmu.c m_start(), proc_get_vma()
 */
function vmaRecord(file: File, index: number, show: VmaShow): SeqRecord | null {
  if (index === END_INDEX) return null;
  const task = getProcTask(file.inode);
  if (task === null) fail(ESRCH);
  const mm = file.privateData as MmStruct | null;
  if (mm === null || !mm.alive) return null;
  const vma = mm.findVma(index);
  // What runs on a hart has no vsyscall page: riscv64 never had one.
  if (vma === null) return { text: task.hart === null ? show.gate : '', next: END_INDEX };
  return { text: show.vma(mm, vma, file), next: vma.end };
}

/**
 * The operations of a file that lists mappings. Opening asks for READ access (K-603); a task
 * without memory gives an empty file (K-032).
 * @see fs/proc/task_mmu.c do_maps_open()
 */
export function vmaListOperations(show: VmaShow, more: FileOperations = {}): FileOperations {
  const open = (caller: TaskStruct, file: File): void => {
    file.privateData = procMemOpen(caller, file.inode, PTRACE_MODE_READ);
  };
  return seqFile({ open, record: (_caller, file, index) => vmaRecord(file, index, show) }, more);
}

/** /proc/PID/maps (fs/proc/task_mmu.c proc_pid_maps_operations). */
export const mapsOperations: FileOperations = vmaListOperations(
  { vma: (_mm, vma) => `${vmaHeader(vma, vmaName(vma))}\n`, gate: VSYSCALL_LINE },
  { ioctl: procmapQuery },
);
