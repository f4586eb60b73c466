import { FOLL_FORCE, FOLL_WRITE } from '../../assembly/abi/foll.js';
import { LinuxError } from '../errno.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { procMemFollForce, PTRACE_MODE_ATTACH } from '../kernel/ptrace.js';
import { RLIMIT_AS, stackLimit } from '../kernel/rlimit.js';
import { actAs } from '../kernel/rusage.js';
import type { TaskStruct } from '../kernel/task.js';
import { copyReady, memRw, memRwAdvance, memRwHost } from '../mm/access.js';
import type { UserBuffer } from '../mm/user.js';
import type { File, FileOperations } from '../vfs/file.js';
import { memLlseek } from '../vfs/llseek.js';
import type { U64 } from '../vfs/u64.js';
import { memOf, openMem } from './mem-open.js';
import { getProcTask } from './proc-inode.js';

/**
 * Reads or writes the memory at address `pos`, as far as it is accessible. Protections of private
 * mappings do not count unless proc_mem.force_override says so (K-116).
 * @returns bytes copied; 0 of a memory whose last user is gone (K-100)
 * @throws {LinuxError} EIO: not even the first byte is accessible (K-104); EFAULT: the buffer
 *   (K-107), with the distance the position moved all the same in `file.failedAdvance` (K-112);
 *   ENOMEM
 * @see fs/proc/base.c mem_rw()
 */
function rw(caller: TaskStruct, file: File, buf: UserBuffer, pos: U64, write: number): number {
  const mm = memOf(file);
  if (mm === null || !mm.alive) return 0;
  actAs(caller);
  const force = procMemFollForce(getProcTask(file.inode), mm, caller) ? FOLL_FORCE : 0;
  const growth = caller.group.rlimits.soft(RLIMIT_AS);
  // An array of the host cannot fault; without a closure and a handler such a read is a third faster.
  if (buf.host !== null && mm.growsUnder(growth)) {
    return memRwHost(mm, pos, buf.host, write | force, stackLimit(caller));
  }
  return rwGrowing(caller, file, mm, buf, pos, write | force, growth);
}

/** The same where no page has to be had, by force or under somebody's limits: what most calls are. */
function ready(file: File, host: Uint8Array, pos: number, write: boolean): number {
  const mm = memOf(file);
  return mm !== null && mm.alive ? copyReady(mm, pos, host, write) : 0;
}

/** acct_stack_growth() asks for the limits of who makes the call. */
function rwGrowing(
  caller: TaskStruct,
  file: File,
  mm: MmStruct,
  buf: UserBuffer,
  pos: U64,
  gupFlags: number,
  growth: number,
): number {
  try {
    return mm.growingUnder(growth, () => memRw(mm, pos, buf, gupFlags, stackLimit(caller)));
  } catch (error) {
    if (error instanceof LinuxError && error.code === 'EFAULT') {
      file.failedAdvance = memRwAdvance(mm);
    }
    throw error;
  }
}

/**
 * /proc/PID/mem: the memory of a task as a file. Opening it asks for ATTACH access with filesystem
 * ids (K-030); nothing is asked again (K-055). Positions are addresses, all 64 bits of them (K-120
 * to K-125).
 * @see fs/proc/base.c proc_mem_operations
 */
export const memOperations: FileOperations = {
  open: (caller, file) => openMem(caller, file, PTRACE_MODE_ATTACH),
  read: (caller, file, buf, pos) => rw(caller, file, buf, pos, 0),
  write: (caller, file, buf, pos) => rw(caller, file, buf, pos, FOLL_WRITE),
  ready,
  llseek: memLlseek,
  unsignedOffset: true,
};
