import { EFAULT } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { PTRACE_MODE_READ } from '../kernel/ptrace.js';
import type { TaskStruct } from '../kernel/task.js';
import { accessRemoteVm } from '../mm/access.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from '../vfs/file.js';
import { genericFileLlseek } from '../vfs/llseek.js';
import type { U64 } from '../vfs/u64.js';
import { memOf, openMem } from './mem-open.js';

/**
 * Reads the environment as it is in memory now, page by page.
 * @returns bytes; fewer where the memory is not accessible; 0 of a dead memory
 * @throws {LinuxError} EFAULT
 * @see fs/proc/base.c environ_read()
 */
function read(_caller: TaskStruct, file: File, buf: UserBuffer, pos: U64): number {
  const mm = memOf(file);
  if (mm === null || mm.envEnd === 0 || !mm.alive) return 0;
  const start = mm.envStart + Number(pos);
  const count = Math.min(buf.length, mm.envEnd - start);
  let done = 0;
  while (done < count) {
    const page = new Uint8Array(Math.min(PAGE_SIZE, count - done));
    const got = accessRemoteVm(mm, start + done, page, 0);
    if (got === 0) break;
    if (buf.copyTo(done, page.subarray(0, got)) < got) {
      file.failedAdvance = done;
      fail(EFAULT);
    }
    done += got;
  }
  return done;
}

/**
 * /proc/PID/environ: the block of the environment (K-607; fs/proc/base.c proc_environ_operations).
 */
export const environOperations: FileOperations = {
  open: (caller, file) => openMem(caller, file, PTRACE_MODE_READ),
  read,
  llseek: genericFileLlseek,
};
