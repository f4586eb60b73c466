import { EFAULT } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { getTaskMm } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import { accessRemoteVm } from '../mm/access.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from '../vfs/file.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import { simpleReadFromBuffer } from '../vfs/seq-file.js';
import type { U64 } from '../vfs/u64.js';
import { procTaskOf } from './proc-inode.js';

/**
 * What a program made of its arguments with setproctitle(3): the string at their start, of a page
 * at most.
 * @see fs/proc/base.c get_mm_proctitle()
 */
function readProctitle(mm: MmStruct, buf: UserBuffer, pos: number): number {
  if (pos >= PAGE_SIZE) return 0;
  const page = new Uint8Array(PAGE_SIZE);
  const got = accessRemoteVm(mm, mm.argStart, page, 0);
  const nul = page.subarray(0, got).indexOf(0);
  return simpleReadFromBuffer(buf, pos, page.subarray(0, nul < 0 ? got : nul + 1));
}

/** fs/proc/base.c get_mm_cmdline() */
function readCmdline(mm: MmStruct, buf: UserBuffer, pos: number): number {
  const { argStart, argEnd } = mm;
  if (mm.envEnd === 0 || argStart >= argEnd) return 0;
  // The title may flow over into the environment only where that follows at once.
  const adjacent = mm.envStart === argEnd && mm.envEnd >= mm.envStart;
  const length = (adjacent ? mm.envEnd : argEnd) - argStart;
  if (pos >= length || buf.length === 0) return 0;
  const last = new Uint8Array(1);
  if (accessRemoteVm(mm, argEnd - 1, last, 0) === 1 && last[0] !== 0) {
    return readProctitle(mm, buf, pos);
  }
  const count = Math.min(buf.length, argEnd - argStart - pos);
  let done = 0;
  while (done < count) {
    const page = new Uint8Array(Math.min(PAGE_SIZE, count - done));
    const got = accessRemoteVm(mm, argStart + pos + done, page, 0);
    const stored = got === 0 ? 0 : buf.copyTo(done, page.subarray(0, got));
    if (got > 0 && stored === 0 && done === 0) fail(EFAULT);
    done += stored;
    if (stored === 0) break;
  }
  return done;
}

/**
 * Reads the arguments as they are in memory now.
 * @returns bytes; 0 of a task without memory
 * @throws {LinuxError} ESRCH: the task is gone (K-608); EFAULT
 * @see fs/proc/base.c proc_pid_cmdline_read()
 */
function read(_caller: TaskStruct, file: File, buf: UserBuffer, pos: U64): number {
  const mm = getTaskMm(procTaskOf(file));
  return mm === null ? 0 : readCmdline(mm, buf, Number(pos));
}

/** /proc/PID/cmdline: for everyone to read (K-604, K-608; fs/proc/base.c proc_pid_cmdline_ops). */
export const cmdlineOperations: FileOperations = { read, llseek: genericFileLlseek };
