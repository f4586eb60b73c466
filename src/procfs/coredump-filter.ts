import { ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { getTaskMm } from '../kernel/ptrace.js';
import { bytesOf } from '../vfs/byte-string.js';
import { getProcTask, procTaskOf } from './proc-inode.js';
import type { FileOperations } from '../vfs/file.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { simpleReadFromBuffer } from '../vfs/seq-file.js';
import { kstrto, textFromUser, UINT } from './kstrtox.js';

/** Bits there are (MMF_DUMP_FILTER_BITS). */
const FILTER_MASK = 0x1ff;
/** Bytes of a number looked at (lib/kstrtox.c, kstrtouint_from_user()). */
const MAX_BYTES = 34;

/**
 * /proc/PID/coredump_filter: which mappings a core file holds. Empty, and not to be written,
 * without memory.
 * @see fs/proc/base.c proc_coredump_filter_operations
 */
export const coredumpFilterOperations: FileOperations = {
  read(_caller, file, buf, pos) {
    const mm = getTaskMm(procTaskOf(file));
    if (mm === null) return 0;
    const text = `${mm.dumpFilter.toString(16).padStart(8, '0')}\n`;
    return simpleReadFromBuffer(buf, pos, bytesOf(text));
  },
  writeStays: true,
  write(_caller, file, buf) {
    const value = Number(kstrto(textFromUser(buf, MAX_BYTES), 0, UINT));
    const task = getProcTask(file.inode);
    const mm = task === null ? null : getTaskMm(task);
    if (mm === null) fail(ESRCH);
    mm.dumpFilter = value & FILTER_MASK;
    return buf.length;
  },
  llseek: genericFileLlseek,
};
