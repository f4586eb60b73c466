import { EINVAL, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { doExit, doExitGroup, exitStatus } from '../kernel/exit.js';
import { copyProcess } from '../kernel/fork.js';
import { sysKill, sysTgkill } from '../kernel/kill.js';
import { sysPrctl } from '../kernel/prctl.js';
import { SIGCHLD } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { CLONE_NEWUSER, CLONE_VFORK, CLONE_VM, setnsUser, sysUnshare } from '../kernel/unshare.js';
import { fromKuidMunged } from '../kernel/userns.js';
import { wait4, waitid, type WaitResult } from '../kernel/wait.js';
import { storeUser } from '../mm/user.js';
import { userNsOfFile } from '../procfs/ns.js';
import { filesOf } from '../vfs/fdtable.js';
import type { U64 } from '../vfs/u64.js';
import {
  done,
  int,
  readUserStruct,
  type SyscallFamily,
  uint,
  writeU32s,
  writeUser,
} from './args.js';

// include/uapi/linux/sched.h
const CLONE_PIDFD = 0x1000;
const CLONE_PARENT_SETTID = 0x100000;
const CLONE_CHILD_SETTID = 0x1000000;
/** struct clone_args: first version and this one, bytes. */
const CLONE_ARGS_SIZE_VER0 = 64;
const CLONE_ARGS_SIZE = 88;
/** struct rusage, bytes: nothing is charged to tasks, so it is all zeros. */
const RUSAGE_SIZE = 144;

/** Where clone's fourth and fifth arguments are: x86-64 has child_tid before tls. */
export type CloneOrder = 'ctid-tls' | 'tls-ctid';

/**
 * Processes and threads: their birth, death and signals. The caller's CPU gives a new task its
 * registers; a parent in vfork does not wait.
 *
 * @see kernel/fork.c, kernel/exit.c, kernel/signal.c
 */
export function processFamily(order: CloneOrder): SyscallFamily {
  return {
    fork: (task) => copyProcess(task, { flags: SIGCHLD }).pid,
    vfork: (task) => copyProcess(task, { flags: CLONE_VM | CLONE_VFORK | SIGCHLD }).pid,
    clone: (task, flags, _stack, ptid, a3, a4) =>
      clone(task, uint(flags), ptid, order === 'ctid-tls' ? a3 : a4),
    clone3,
    exit: (task, code) => done(doExit(task, exitStatus(int(code)))),
    exit_group: (task, code) => done(doExitGroup(task, exitStatus(int(code)))),
    wait4: sysWait4,
    waitid: sysWaitid,
    kill: (task, pid, signal) => done(sysKill(task, int(pid), int(signal))),
    tkill: (task, tid, signal) => done(sysTgkill(task, null, int(tid), int(signal))),
    tgkill: (task, tgid, tid, signal) => done(sysTgkill(task, int(tgid), int(tid), int(signal))),
    prctl: (task, option, ...args) => sysPrctl(task, int(option), args.slice(0, 4).map(BigInt)),
    personality(task, persona) {
      const old = task.personality;
      if (uint(persona) !== 0xffffffff) task.personality = uint(persona);
      return old;
    },
    unshare: (task, flags) => done(sysUnshare(task, int(flags))),
    setns(task, fd, type) {
      const file = filesOf(task).get(int(fd));
      const ns = userNsOfFile(file);
      if (int(type) !== 0 && int(type) !== CLONE_NEWUSER) fail(EINVAL);
      return done(setnsUser(task, ns));
    },
  };
}

/** The child's number; stored where CLONE_*_SETTID ask, as far as that is writable. */
function clone(task: TaskStruct, flags: number, ptid: U64, ctid: U64): number {
  if ((flags & CLONE_PIDFD) !== 0) fail(EINVAL); // pidfd_open() gives one
  const child = copyProcess(task, { flags });
  const tid = new Uint8Array(4);
  new DataView(tid.buffer).setInt32(0, child.pid, true);
  if ((flags & CLONE_PARENT_SETTID) !== 0 && task.mm !== null) storeUser(task.mm, ptid, tid);
  if ((flags & CLONE_CHILD_SETTID) !== 0 && child.mm !== null) storeUser(child.mm, ctid, tid);
  return child.pid;
}

/** struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, … */
function clone3(task: TaskStruct, addr: U64, size: U64): number {
  const args = readUserStruct(task, addr, size, {
    least: CLONE_ARGS_SIZE_VER0,
    size: CLONE_ARGS_SIZE,
  });
  const flags = args.getBigUint64(0, true);
  const exitSignal = args.getBigUint64(32, true);
  // The flags' low byte is the signal of clone(2); here it has a field of its own.
  if ((flags & 0xffn) !== 0n || flags >> 32n !== 0n || exitSignal > 64n) fail(EINVAL);
  if (args.getBigUint64(72, true) !== 0n) fail(EINVAL); // set_tid_size: no number is for the asking
  const combined = Number(flags | exitSignal);
  return clone(task, combined, toAddress(args, 24), toAddress(args, 16));
}

function toAddress(view: DataView, offset: number): U64 {
  return Number(view.getBigUint64(offset, true));
}

function sysWait4(task: TaskStruct, pid: U64, status: U64, options: U64, rusage: U64): number {
  const outcome = wait4(task, int(pid), int(options));
  if (outcome === 'block') return -ERESTARTSYS;
  if (outcome === null) return 0;
  if (status !== 0) writeU32s(task, status, outcome.status);
  if (rusage !== 0) writeUser(task, rusage, new Uint8Array(RUSAGE_SIZE));
  return outcome.pid;
}

function sysWaitid(
  task: TaskStruct,
  which: U64,
  id: U64,
  info: U64,
  options: U64,
  rusage: U64,
): number {
  const outcome = waitid(task, int(which), int(id), int(options));
  if (outcome === 'block') return -ERESTARTSYS;
  if (info !== 0) writeUser(task, info, encodeSiginfo(task, outcome));
  if (rusage !== 0 && outcome !== null) writeUser(task, rusage, new Uint8Array(RUSAGE_SIZE));
  return 0;
}

/** The fields of siginfo_t that waitid fills: si_signo, si_errno, si_code, si_pid, si_uid, si_status. */
function encodeSiginfo(task: TaskStruct, result: WaitResult | null): DataView {
  const view = new DataView(new ArrayBuffer(28));
  if (result === null) return view;
  const { code, status } = describeStatus(result.status);
  view.setInt32(0, SIGCHLD, true);
  view.setInt32(8, code, true);
  view.setInt32(16, result.pid, true);
  view.setUint32(20, fromKuidMunged(task.cred.userNs, result.uid), true);
  view.setInt32(24, status, true);
  return view;
}

/** CLD_EXITED 1, CLD_KILLED 2, CLD_DUMPED 3, CLD_TRAPPED 4, CLD_STOPPED 5, CLD_CONTINUED 6. */
function describeStatus(status: number): { code: number; status: number } {
  if (status === 0xffff) return { code: 6, status: 18 };
  if ((status & 0xff) === 0x7f) return { code: 5, status: status >> 8 };
  if ((status & 0x7f) === 0) return { code: 1, status: (status >> 8) & 0xff };
  return { code: (status & 0x80) === 0 ? 2 : 3, status: status & 0x7f };
}
