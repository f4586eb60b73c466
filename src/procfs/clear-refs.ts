import { EINVAL, ESRCH } from '../../assembly/abi/errno.js';
import { VM_PFNMAP } from '../../assembly/abi/vma.js';
import { fail } from '../errno.js';
import { getTaskMm } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Mm, VmaInfo } from '../mm/mm.js';
import { clearReferenced, clearSoftDirty, resetHiwaterRss } from '../mm/pagemap.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from '../vfs/file.js';
import { INT, kstrto, strstrip, textFromUser } from './kstrtox.js';
import { getProcTask } from './proc-inode.js';
import { vmaFile } from './vma-text.js';

/** Bytes looked at: PROC_NUMBUF without its NUL. */
const MAX_BYTES = 12;

// enum clear_refs_types of fs/proc/task_mmu.c
const CLEAR_REFS_ALL = 1;
const CLEAR_REFS_ANON = 2;
const CLEAR_REFS_MAPPED = 3;
const CLEAR_REFS_SOFT_DIRTY = 4;
const CLEAR_REFS_MM_HIWATER_RSS = 5;

/** fs/proc/task_mmu.c clear_refs_test_walk() */
function forgets(type: number, vma: VmaInfo): boolean {
  if ((vma.flags & VM_PFNMAP) !== 0) return false;
  const hasFile = vmaFile(vma) !== null;
  if (type === CLEAR_REFS_ANON) return !hasFile;
  return type === CLEAR_REFS_MAPPED ? hasFile : type === CLEAR_REFS_ALL;
}

function clear(mm: Mm, type: number): void {
  if (type === CLEAR_REFS_MM_HIWATER_RSS) return resetHiwaterRss(mm);
  for (const vma of mm.vmas()) if (forgets(type, vma)) clearReferenced(mm, vma);
}

/**
 * Forgets which pages were used: 1 all, 2 of mappings without a file, 3 with one; 5 the highest
 * resident set; 4 which were written, or nothing where the profile keeps no soft-dirty bits
 * (CONFIG_MEM_SOFT_DIRTY).
 * @throws {LinuxError} EFAULT; EINVAL: not 1 to 5; ERANGE: no int; ESRCH: the task is gone
 * @see fs/proc/task_mmu.c clear_refs_write()
 */
function write(_caller: TaskStruct, file: File, buf: UserBuffer): number {
  const type = Number(kstrto(strstrip(textFromUser(buf, MAX_BYTES)), 10, INT));
  if (type < CLEAR_REFS_ALL || type > CLEAR_REFS_MM_HIWATER_RSS) fail(EINVAL);
  const task = getProcTask(file.inode) ?? fail(ESRCH);
  const mm = getTaskMm(task);
  if (mm === null) return Math.min(buf.length, MAX_BYTES);
  if (type !== CLEAR_REFS_SOFT_DIRTY) clear(mm, type);
  else if (task.kernel.profile.softDirty) for (const vma of mm.vmas()) clearSoftDirty(mm, vma);
  return Math.min(buf.length, MAX_BYTES);
}

/**
 * /proc/PID/clear_refs: whoever may open it may write it (K-609; fs/proc/task_mmu.c
 * proc_clear_refs_operations).
 */
export const clearRefsOperations: FileOperations = {
  write,
  writeStays: true,
  llseek: (_caller, file) => file.pos,
};
