import { ESRCH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { sysGetpgid, sysGetsid, sysSetpgid, sysSetsid } from '../kernel/pgrp.js';
import { checkPrlimitPermission, doPrlimit, type Rlimit } from '../kernel/rlimit.js';
import type { TaskStruct } from '../kernel/task.js';
import type { U64 } from '../vfs/u64.js';
import { done, int, readUser, type SyscallFamily, uint, writeUser } from './args.js';

/**
 * The numbers of processes, groups and sessions, and resource limits.
 *
 * @see kernel/sys.c
 */
export const processIdCalls: SyscallFamily = {
  getpid: (task) => task.tgid,
  gettid: (task) => task.pid,
  getppid: (task) => task.parent?.tgid ?? 0,
  getpgid: (task, pid) => sysGetpgid(task, int(pid)),
  getpgrp: (task) => task.group.pgid,
  getsid: (task, pid) => sysGetsid(task, int(pid)),
  setpgid: (task, pid, pgid) => done(sysSetpgid(task, int(pid), int(pgid))),
  setsid: (task) => sysSetsid(task),

  prlimit64(task, pid, resource, newLimit, oldLimit) {
    const limit = newLimit === 0 ? null : readLimit(task, newLimit);
    const target = findOrSelf(task, int(pid));
    checkPrlimitPermission(task, target);
    const old = doPrlimit(task, target, uint(resource), limit);
    if (oldLimit !== 0) writeLimit(task, oldLimit, old);
    return 0;
  },
  getrlimit(task, resource, addr) {
    writeLimit(task, addr, doPrlimit(task, task, uint(resource), null));
    return 0;
  },
  setrlimit(task, resource, addr) {
    doPrlimit(task, task, uint(resource), readLimit(task, addr));
    return 0;
  },
};

function findOrSelf(task: TaskStruct, pid: number): TaskStruct {
  return pid === 0 ? task : (task.kernel.findTask(pid) ?? fail(ESRCH));
}

/** struct rlimit64: soft and hard limit. */
function readLimit(task: TaskStruct, addr: U64): Rlimit {
  const view = readUser(task, addr, 16);
  return { cur: view.getBigUint64(0, true), max: view.getBigUint64(8, true) };
}

function writeLimit(task: TaskStruct, addr: U64, limit: Rlimit): void {
  const view = new DataView(new ArrayBuffer(16));
  view.setBigUint64(0, limit.cur, true);
  view.setBigUint64(8, limit.max, true);
  writeUser(task, addr, view);
}
