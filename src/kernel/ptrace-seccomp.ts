import { EACCES, EINVAL, ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { U64 } from '../mm/address.js';
import { copyFromUser, copyToUser } from '../mm/user.js';
import { CAP_SYS_ADMIN, capable } from './capability.js';
import { INSTRUCTION_SIZE } from './classic-bpf.js';
import type { MmStruct } from './mm-struct.js';
import { SECCOMP_MODE_FILTER, type SeccompFilter } from './seccomp.js';
import type { TaskStruct } from './task.js';
import { toUserAddr } from './user-address.js';

/** struct seccomp_metadata: the number of a filter, and its flags. */
const SECCOMP_METADATA_FLAGS = 8;
const SECCOMP_METADATA_SIZE = 16;
/** SECCOMP_FILTER_FLAG_LOG */
const FLAG_LOG = 2n;

/**
 * The filter of a task with a number, 0 the oldest.
 * @throws {LinuxError} EACCES: no CAP_SYS_ADMIN, or the caller is filtered itself; EINVAL: the task is not; ENOENT: no
 *   such filter
 * @see kernel/seccomp.c, get_nth_filter()
 */
function nthFilter(caller: TaskStruct, tracee: TaskStruct, n: U64): SeccompFilter {
  mayLookAtFilters(caller);
  if (tracee.seccomp?.mode !== SECCOMP_MODE_FILTER) fail(EINVAL);
  let filter = tracee.seccomp.filter;
  for (let left = tracee.seccomp.count - 1 - Number(n); left > 0; left--)
    filter = filter?.prev ?? null;
  return n < tracee.seccomp.count && filter !== null ? filter : fail(ENOENT);
}

function mayLookAtFilters(caller: TaskStruct): void {
  if (!capable(caller, caller.kernel.initUserNs, CAP_SYS_ADMIN) || caller.seccomp !== null)
    fail(EACCES);
}

/**
 * Gives a filter of a task: its instructions, unless `data` is 0.
 * @returns how many instructions it has
 * @throws {LinuxError} EFAULT: a bad address; what nthFilter() throws
 * @see kernel/seccomp.c, seccomp_get_filter()
 */
export function ptraceGetFilter(
  caller: TaskStruct,
  mm: MmStruct,
  { tracee, n, data }: { readonly tracee: TaskStruct; readonly n: U64; readonly data: U64 },
): number {
  const { program } = nthFilter(caller, tracee, n);
  if (data !== 0) copyToUser(mm, data, program);
  return program.length / INSTRUCTION_SIZE;
}

/**
 * Gives what is known of a filter: the flags that it was installed with, of which LOG is one.
 * @throws {LinuxError} EINVAL: no room for the number; EFAULT: a bad address; what nthFilter() throws
 * @see kernel/seccomp.c, seccomp_get_metadata()
 */
export function ptraceGetFilterMetadata(
  caller: TaskStruct,
  mm: MmStruct,
  { tracee, size, data }: { readonly tracee: TaskStruct; readonly size: U64; readonly data: U64 },
): number {
  mayLookAtFilters(caller);
  const room = Math.min(SECCOMP_METADATA_SIZE, Number(size));
  if (room < SECCOMP_METADATA_FLAGS) fail(EINVAL);
  const metadata = copyFromUser(mm, data, SECCOMP_METADATA_FLAGS);
  const n = new DataView(metadata.buffer, metadata.byteOffset).getBigUint64(0, true);
  const { log } = nthFilter(caller, tracee, toUserAddr(n));
  const answer = new BigUint64Array([n, log ? FLAG_LOG : 0n]);
  copyToUser(mm, data, new Uint8Array(answer.buffer).subarray(0, room));
  return room;
}
