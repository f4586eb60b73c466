import { inheritedMdwe } from '../mm/mdwe.js';
import { privilegedWrtInodeUidgid } from './capability.js';
import { commFromText } from './comm.js';
import { commitCreds } from './cred.js';
import type { ExecFile } from './exec-creds.js';
import { execCreds } from './exec-creds.js';
import { completeVfork, sendSignal } from './deliver.js';
import { completeExit, mmRelease, releaseTask } from './exit.js';
import { READ_IMPLIES_EXEC } from './mm-limits.js';
import type { Dumpable } from './mm-struct.js';
import { MmStruct, SUID_DUMP_USER } from './mm-struct.js';
import { exitPosixTimers } from './posix-timer.js';
import { PTRACE_EVENT_EXEC } from './ptrace-abi.js';
import { ptraceEvent } from './ptrace-stop.js';
import { RLIMIT_AS, RLIMIT_STACK } from './rlimit.js';
import { NO_SIGNAL_STACK } from './sighand.js';
import { makeSiginfo, SI_USER } from './siginfo.js';
import { SIGCHLD, SIGKILL, SIGTRAP } from './signal.js';
import { leaveMemory } from './rusage.js';
import type { TaskStruct } from './task.js';
import { PF_FORKNOEXEC } from './task.js';
import { unshareFiles } from './unshare.js';

/** Bytes of stack a privileged program starts with at most (fs/exec.c, _STK_LIM). */
const STK_LIM = 8388608n;

/**
 * Bits of personality(2) that a program with more rights does not get: READ_IMPLIES_EXEC,
 * ADDR_NO_RANDOMIZE, ADDR_COMPAT_LAYOUT, MMAP_PAGE_ZERO; the first, no 64-bit program does.
 */
const PER_CLEAR_ON_SETID = READ_IMPLIES_EXEC | 0x40000 | 0x200000 | 0x100000;

/** Fills the new memory: maps the program, places arguments, sets the layout fields and auxv. */
export type LoadImage = (mm: MmStruct, exec: { readonly secureexec: boolean }) => void;

/**
 * Moves the memory's namespace up to one that sees the owner of a program the caller may not read
 * (K-307; would_dump()).
 */
function wouldDump(mm: MmStruct, file: ExecFile): void {
  if (file.readable) return;
  while (mm.userNs.parent !== null && !privilegedWrtInodeUidgid(mm.userNs, file)) {
    mm.userNs = mm.userNs.parent;
  }
}

/**
 * Ends all other threads; a thread that is not the leader takes the leader's number over
 * (fs/exec.c, de_thread()).
 */
function deThread(task: TaskStruct): void {
  const { group } = task;
  const { leader } = group;
  for (const thread of [...group.threads]) if (thread !== task) completeExit(thread, SIGKILL);
  if (leader === task) return;
  task.exitSignal = SIGCHLD;
  const { threadPid } = leader;
  leader.threadPid = task.threadPid;
  task.threadPid = threadPid;
  threadPid.task = task;
  leader.threadPid.task = leader;
  group.leader = task;
  releaseTask(leader);
}

/**
 * Signal handlers are its own from now on, and gone: their code is (unshare_sighand(),
 * flush_signal_handlers(), sas_ss_reset()).
 */
function resetSignals(task: TaskStruct): void {
  if (task.sighand.users > 1) {
    task.sighand.users--;
    task.sighand = task.sighand.dup();
  }
  task.sighand.flushHandlers();
  task.caughtSignals = null;
  task.signalStack = NO_SIGNAL_STACK;
  task.rseq = null;
}

/**
 * The task's memory is replaced; whoever holds the old one finds it dead once its last user is gone
 * (K-101).
 */
function execMmap(task: TaskStruct, mm: MmStruct): void {
  const old = task.mm;
  task.mm = mm;
  if (old !== null) mmRelease(task, old);
  if (old !== null) leaveMemory(task.group, old.peakRss());
  old?.mmput();
  completeVfork(task);
}

/**
 * Dumpable by its user only when the file is readable and the *old* ids agree (K-306);
 * commitCreds() adds its own rule.
 */
function dumpableAfterExec(task: TaskStruct, file: ExecFile): Dumpable {
  const { uid, euid, gid, egid } = task.cred;
  const plain = file.readable && euid === uid && egid === gid;
  return plain ? SUID_DUMP_USER : task.kernel.sysctl.suidDumpable;
}

/**
 * Replaces a task's memory by a program's: new credentials, dumpable, mm->user_ns and name; other
 * threads end, close-on-exec descriptors close. `load` fills the new memory first, so that its
 * failure leaves the task as it was.
 * @throws {LinuxError} EPERM: see execCreds()
 * @throws {LinuxError} ENOMEM: no room for the page tables; and whatever `load` throws
 * @see fs/exec.c, begin_new_exec()
 */
export function execve(task: TaskStruct, file: ExecFile, load: LoadImage): void {
  const { cred, secureexec, clearsPersonality } = execCreds(task, file);
  const { personality } = task;
  task.personality &= ~(clearsPersonality ? PER_CLEAR_ON_SETID : READ_IMPLIES_EXEC);
  const mm = new MmStruct(task.kernel.core, task.cred.userNs);
  mm.stackLimit = task.mm?.stackLimit ?? mm.stackLimit;
  mm.mdwe = inheritedMdwe(task.mm?.mdwe ?? 0);
  mm.limitGrowth(task.group.rlimits.soft(RLIMIT_AS));
  try {
    load(mm, { secureexec });
  } catch (error) {
    task.personality = personality;
    mm.mmput();
    throw error;
  }
  const oldPid = task.pid;
  deThread(task);
  exitPosixTimers(task.group);
  task.group.sharedPending.flushOwned();
  task.pendingSignals.flushOwned();
  unshareFiles(task);
  resetSignals(task);
  mm.setExeFile(file);
  wouldDump(mm, file);
  execMmap(task, mm);
  task.flags &= ~PF_FORKNOEXEC;
  task.files?.closeOnExec();
  if (secureexec) limitStack(task);
  mm.dumpable = dumpableAfterExec(task, file);
  task.comm = commFromText(file.path.slice(file.path.lastIndexOf('/') + 1));
  commitCreds(task, cred);
  notifyTracer(task, oldPid);
}

/**
 * An event where the tracer asked for it, with the number the thread had before; else a tracee that
 * was not seized traps.
 */
function notifyTracer(task: TaskStruct, oldPid: number): void {
  if (ptraceEvent(task, PTRACE_EVENT_EXEC, oldPid)) return;
  const info = makeSiginfo(SIGTRAP, SI_USER, task);
  if (task.ptrace !== null && !task.ptrace.seized) sendSignal(task, SIGTRAP, { info });
}

/**
 * A privileged program neither hears of its parent's death nor starts with a bigger stack than
 * usual.
 */
function limitStack(task: TaskStruct): void {
  task.pdeathSignal = 0;
  const { rlimits } = task.group;
  const stack = rlimits.get(RLIMIT_STACK);
  if (stack.cur > STK_LIM) rlimits.set(RLIMIT_STACK, { ...stack, cur: STK_LIM });
}
