import { PTRACE_MODE_READ } from '../kernel/ptrace.js';
import type { FileOperations } from '../vfs/file.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { simpleReadFromBuffer } from '../vfs/seq-file.js';
import { memOf, openMem } from './mem-open.js';

/** Bytes of an entry without a type: AT_NULL, which a memory that never ran an exec begins with. */
const AT_NULL_ENTRY = new Uint8Array(16);

/**
 * /proc/PID/auxv: the auxiliary vector the program was started with, AT_NULL included, also of a
 * memory that has died since.
 * @see fs/proc/base.c proc_auxv_operations, auxv_read()
 */
export const auxvOperations: FileOperations = {
  open: (caller, file) => openMem(caller, file, PTRACE_MODE_READ),
  read(_caller, file, buf, pos) {
    const mm = memOf(file);
    if (mm === null) return 0;
    const { auxv } = mm;
    return simpleReadFromBuffer(buf, pos, auxv.length === 0 ? AT_NULL_ENTRY : auxv);
  },
  llseek: genericFileLlseek,
};
