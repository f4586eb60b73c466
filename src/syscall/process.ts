import { EBADF, EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { doExit, doExitGroup, exitStatus } from '../kernel/exit.js';
import { sysKill, sysTgkill } from '../kernel/kill.js';
import { sysPrctl } from '../kernel/prctl.js';
import { setnsTask } from '../kernel/setns.js';
import { SIGCHLD } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { CLONE_NEWUSER, setnsUser, sysUnshare } from '../kernel/unshare.js';
import { fromKuidMunged } from '../kernel/userns.js';
import {
  checkWaitOptions,
  P_PID,
  P_PIDFD,
  wait4,
  waitid,
  type WaitResult,
} from '../kernel/wait.js';
import { userNsOfFile } from '../procfs/ns.js';
import { filesOf } from '../vfs/fdtable.js';
import type { U64 } from '../vfs/u64.js';
import { done, int, type SyscallFamily, uint, writeU32s, writeUser } from './args.js';
import { exeFileOf } from './exec.js';
import { pidfdPid } from './pidfd.js';
import { rusage } from './time.js';

/**
 * The life of processes and threads: waiting, signals, namespaces, and their end.
 *
 * @see kernel/exit.c, kernel/signal.c, kernel/sys.c, kernel/nsproxy.c
 */
export const processCalls: SyscallFamily = {
  exit: (task, code) => done(doExit(task, exitStatus(int(code)))),
  exit_group: (task, code) => done(doExitGroup(task, exitStatus(int(code)))),
  wait4: sysWait4,
  waitid: sysWaitid,
  kill: (task, pid, signal) => done(sysKill(task, int(pid), int(signal))),
  tkill: (task, tid, signal) => done(sysTgkill(task, null, int(tid), int(signal))),
  tgkill: (task, tgid, tid, signal) => done(sysTgkill(task, int(tgid), int(tid), int(signal))),
  prctl: (task, option, a1, a2, a3, a4) =>
    sysPrctl(task, int(option), [a1, a2, a3, a4].map(BigInt), (fd) => exeFileOf(task, fd)),
  set_tid_address(task, addr) {
    task.clearChildTid = addr;
    return task.pid;
  },
  personality(task, persona) {
    const old = task.personality;
    if (uint(persona) !== 0xffffffff) task.personality = uint(persona);
    return old;
  },
  unshare: (task, flags) => done(sysUnshare(task, int(flags))),
  setns: (task, fd, type) => done(sysSetns(task, int(fd), int(type))),
};

/**
 * Moves the caller into a namespace that a descriptor stands for, or into namespaces of the task
 * that a pidfd stands for.
 *
 * @throws {LinuxError} EBADF: no descriptor; EINVAL: another kind of file or namespace; ESRCH: the
 * task has exited; EPERM: not permitted, to look at it or to enter
 * @see kernel/nsproxy.c, SYSCALL_DEFINE2(setns)
 */
function sysSetns(task: TaskStruct, fd: number, type: number): void {
  const file = filesOf(task).get(fd);
  const pid = pidfdPid(task, fd);
  if (pid !== null) return setnsTask(task, pid.task, type);
  const ns = userNsOfFile(file);
  if (type !== 0 && type !== CLONE_NEWUSER) fail(EINVAL);
  setnsUser(task, ns);
}

function sysWait4(task: TaskStruct, pid: U64, status: U64, options: U64, usage: U64): number {
  const outcome = wait4(task, int(pid), int(options));
  if (outcome === 'block') return -ERESTARTSYS;
  if (outcome === null) return 0;
  if (status !== 0) writeU32s(task, status, outcome.status);
  if (usage !== 0) writeUser(task, usage, rusage(outcome.rusage));
  return outcome.pid;
}

function sysWaitid(
  task: TaskStruct,
  which: U64,
  id: U64,
  info: U64,
  options: U64,
  usage: U64,
): number {
  checkWaitOptions(int(options));
  const outcome = waitid(task, ...waitTarget(task, int(which), int(id)), int(options));
  if (outcome === 'block') return -ERESTARTSYS;
  if (info !== 0) writeUser(task, info, encodeSiginfo(task, outcome));
  if (usage !== 0 && outcome !== null) writeUser(task, usage, rusage(outcome.rusage));
  return 0;
}

/** P_PIDFD names a child by a descriptor: EINVAL below 0, EBADF for none; ECHILD comes later. */
function waitTarget(task: TaskStruct, which: number, id: number): [which: number, id: number] {
  if (which !== P_PIDFD) return [which, id];
  if (id < 0) fail(EINVAL);
  return [P_PID, (pidfdPid(task, id) ?? fail(EBADF)).nr];
}

/** The fields of siginfo_t that waitid fills: si_signo, si_errno, si_code, si_pid, si_uid, si_status. */
function encodeSiginfo(task: TaskStruct, result: WaitResult | null): DataView {
  const view = new DataView(new ArrayBuffer(28));
  if (result === null) return view;
  const { code, status } = describeStatus(result);
  view.setInt32(0, SIGCHLD, true);
  view.setInt32(8, code, true);
  view.setInt32(16, result.pid, true);
  view.setUint32(20, fromKuidMunged(task.cred.userNs, result.uid), true);
  view.setInt32(24, status, true);
  return view;
}

/** CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3, CLD_TRAPPED 4, CLD_STOPPED 5, CLD_CONTINUED 6. */
function describeStatus({ status, traced }: WaitResult): { code: number; status: number } {
  if (status === 0xffff) return { code: 6, status: 18 };
  if ((status & 0xff) === 0x7f) return { code: traced ? 4 : 5, status: status >> 8 };
  if ((status & 0x7f) === 0) return { code: 1, status: (status >> 8) & 0xff };
  return { code: (status & 0x80) === 0 ? 2 : 3, status: status & 0x7f };
}
