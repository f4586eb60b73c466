import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';

import { checkKcmp } from '../kernel/kcmp.js';
import { type ProcessVmArgs, sysProcessVm } from '../kernel/process-vm.js';
import { sysPtrace } from '../kernel/ptrace-request.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf } from '../vfs/fdtable.js';
import type { U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, uint } from './args.js';
import { SideTable } from '../side-table.js';
import type { Kernel } from '../kernel/kernel.js';

/**
 * Other processes' memory and what they share: ptrace, process_vm_readv and _writev, kcmp.
 *
 * @see kernel/ptrace.c, mm/process_vm_access.c, kernel/kcmp.c
 */
export const ptraceCalls: SyscallFamily = {
  ptrace: (task, request, pid, addr, data) => sysPtrace(task, int(request), int(pid), addr, data),
  process_vm_readv: (task, pid, lvec, liovcnt, rvec, riovcnt, flags) =>
    sysProcessVm(task, processVmArgs(pid, lvec, liovcnt, rvec, riovcnt, flags), false),
  process_vm_writev: (task, pid, lvec, liovcnt, rvec, riovcnt, flags) =>
    sysProcessVm(task, processVmArgs(pid, lvec, liovcnt, rvec, riovcnt, flags), true),
  kcmp(task, pid1, pid2, type, index1, index2) {
    const [a, b] = checkKcmp(task, int(pid1), int(pid2));
    if (int(type) === KCMP_EPOLL_TFD) return kcmpEpoll(task, a, b, index1, index2);
    const resource = RESOURCES[int(type)] ?? fail(EINVAL);
    return compare(task.kernel, resource(a, index1), resource(b, index2));
  },
};

/** import_iovec() takes the local count as `unsigned`, iovec_from_user() the remote one as it is. */
function processVmArgs(
  pid: U64,
  lvec: U64,
  liovcnt: U64,
  rvec: U64,
  riovcnt: U64,
  flags: U64,
): ProcessVmArgs {
  return { pid: int(pid), lvec, liovcnt: uint(liovcnt), rvec, riovcnt, flags };
}

/** What kcmp compares, by its KCMP_* number: include/uapi/linux/kcmp.h. */
const RESOURCES: readonly ((task: TaskStruct, index: U64) => object | null)[] = [
  (task, index) => filesOf(task).rawFile(uint(index)),
  (task) => task.mm,
  (task) => task.files,
  (task) => task.fs,
  (task) => task.sighand,
  () => null, // I/O contexts: nobody has one
  () => null, // undo lists of semaphores: nobody has one
];
const KCMP_EPOLL_TFD = 7;
/** struct kcmp_epoll_slot, bytes. */
const EPOLL_SLOT_SIZE = 12;

/** A file an epoll watches: there is no epoll to name. */
function kcmpEpoll(task: TaskStruct, a: TaskStruct, b: TaskStruct, idx1: U64, idx2: U64): never {
  const slot = readUser(task, idx2, EPOLL_SLOT_SIZE);
  for (const [owner, fd] of [
    [a, uint(idx1)],
    [b, slot.getUint32(0, true)],
  ] as const) {
    filesOf(owner).rawFile(fd);
  }
  return fail(EINVAL);
}

const order = new SideTable<object, number>('kcmp order', '*');
/** How many of a machine's objects have a rank. */
const ranked = new SideTable<Kernel, number>('kcmp ranked', 'Kernel');

/** 0 for the same, 1 and 2 for smaller and greater in an order that means nothing but stays. */
function compare(kernel: Kernel, a: object | null, b: object | null): number {
  if (a === b) return 0;
  return rank(kernel, a) < rank(kernel, b) ? 1 : 2;
}

function rank(kernel: Kernel, object: object | null): number {
  if (object === null) return 0;
  const known = order.get(object);
  if (known !== undefined) return known;
  const next = (ranked.get(kernel) ?? 0) + 1;
  ranked.set(kernel, next);
  order.set(object, next);
  return next;
}
