import { PAGE_SIZE } from '../../assembly/abi/page.js';
import type { CapSet } from '../kernel/capability.js';
import type { MmStruct } from '../kernel/mm-struct.js';
import { getTaskMm } from '../kernel/ptrace.js';
import { RLIMIT_SIGPENDING, RLIM_INFINITY } from '../kernel/rlimit.js';
import { threadRusage } from '../kernel/rusage.js';
import { shownState } from '../kernel/task-state.js';
import type { TaskState, TaskStruct } from '../kernel/task.js';
import { fromKgidMunged, fromKuidMunged } from '../kernel/userns.js';
import { FdTable } from '../vfs/fdtable.js';
import type { File } from '../vfs/file.js';
import { FsStruct } from '../vfs/fs-struct.js';

const STATES: Readonly<Record<TaskState, string>> = {
  R: 'R (running)',
  S: 'S (sleeping)',
  D: 'D (disk sleep)',
  T: 'T (stopped)',
  t: 't (tracing stop)',
  X: 'X (dead)',
  Z: 'Z (zombie)',
};

/** A name with what would break its line escaped (proc_task_name() with escape). */
function escapeComm(comm: string): string {
  return comm.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** fs/proc/array.c task_state() */
function taskState(task: TaskStruct, opener: File): string {
  const { cred, group } = task;
  const ns = opener.cred.userNs;
  const uids = [cred.uid, cred.euid, cred.suid, cred.fsuid].map((id) => fromKuidMunged(ns, id));
  const gids = [cred.gid, cred.egid, cred.sgid, cred.fsgid].map((id) => fromKgidMunged(ns, id));
  const groups = cred.groups.map((id) => fromKgidMunged(ns, id));
  const umask = task.fs instanceof FsStruct ? task.fs.umask.toString(8).padStart(4, '0') : null;
  return [
    umask === null ? '' : `Umask:\t${umask}\n`,
    `State:\t${STATES[shownState(task)]}\n`,
    `Tgid:\t${task.tgid}\n`,
    'Ngid:\t0\n',
    `Pid:\t${task.pid}\n`,
    `PPid:\t${group.parent?.tgid ?? 0}\n`,
    `TracerPid:\t${task.ptracer?.pid ?? 0}\n`,
    `Uid:\t${uids.join('\t')}\n`,
    `Gid:\t${gids.join('\t')}\n`,
    `FDSize:\t${task.files instanceof FdTable ? task.files.size : 0}\n`,
    `Groups:\t${groups.join(' ')} \n`,
    `NStgid:\t${task.tgid}\n`,
    `NSpid:\t${task.pid}\n`,
    `NSpgid:\t${group.pgid}\n`,
    `NSsid:\t${group.sid}\n`,
    `Kthread:\t${Number(task.isKthread)}\n`,
  ].join('');
}

function vmLine(label: string, bytes: number): string {
  return `${label}:\t${String(Math.floor(bytes / 1024)).padStart(8)} kB\n`;
}

/** fs/proc/task_mmu.c task_mem() */
function taskMem(mm: MmStruct): string {
  const c = mm.counters();
  const rss = c.rssAnon + c.rssFile + c.rssShmem;
  const end = Math.ceil(mm.endCode / PAGE_SIZE);
  const text = Math.min(end - Math.floor(mm.startCode / PAGE_SIZE), c.execVm);
  const pages: readonly (readonly [string, number])[] = [
    ['VmPeak', Math.max(c.hiwaterVm, c.totalVm)],
    ['VmSize', c.totalVm],
    ['VmLck', c.lockedVm],
    ['VmPin', c.pinnedVm],
    ['VmHWM', Math.max(c.hiwaterRss, rss)],
    ['VmRSS', rss],
    ['RssAnon', c.rssAnon],
    ['RssFile', c.rssFile],
    ['RssShmem', c.rssShmem],
    ['VmData', c.dataVm],
    ['VmStk', c.stackVm],
    ['VmExe', text],
    ['VmLib', c.execVm - text],
  ];
  return [
    ...pages.map(([label, count]) => vmLine(label, count * PAGE_SIZE)),
    vmLine('VmPTE', c.pgtablesBytes),
    vmLine('VmSwap', 0),
    vmLine('HugetlbPages', 0),
    'CoreDumping:\t0\nTHP_enabled:\t1\nuntag_mask:\t0xffffffffffffffff\n',
  ].join('');
}

function hex16(value: bigint): string {
  return value.toString(16).padStart(16, '0');
}

/** fs/proc/array.c task_sig() */
function taskSig(task: TaskStruct): string {
  const { group, kernel, sighand } = task;
  const { cur } = group.rlimits.get(RLIMIT_SIGPENDING);
  const queued = kernel.signalCounts.get(task.cred.uid) ?? 0;
  return [
    `Threads:\t${group.threads.length}\n`,
    `SigQ:\t${queued}/${cur === RLIM_INFINITY ? 2n ** 64n - 1n : cur}\n`,
    `SigPnd:\t${hex16(task.pendingSignals.mask)}\n`,
    `ShdPnd:\t${hex16(group.sharedPending.mask)}\n`,
    `SigBlk:\t${hex16(task.blocked)}\n`,
    `SigIgn:\t${hex16(sighand.ignored)}\n`,
    `SigCgt:\t${hex16(sighand.caught)}\n`,
  ].join('');
}

/** fs/proc/array.c task_cap(), task_seccomp() */
function taskCap(task: TaskStruct): string {
  const { cred } = task;
  const sets: readonly (readonly [string, CapSet])[] = [
    ['CapInh', cred.capInheritable],
    ['CapPrm', cred.capPermitted],
    ['CapEff', cred.capEffective],
    ['CapBnd', cred.capBset],
    ['CapAmb', cred.capAmbient],
  ];
  return [
    ...sets.map(([label, set]) => `${label}:\t${hex16(set)}\n`),
    `NoNewPrivs:\t${Number(task.noNewPrivs)}\n`,
    `Seccomp:\t${task.seccomp?.mode ?? 0}\nSeccomp_filters:\t${task.seccomp?.count ?? 0}\n`,
    'Speculation_Store_Bypass:\tvulnerable\nSpeculationIndirectBranch:\talways enabled\n',
  ].join('');
}

/** One CPU, one node. */
const MACHINE = [
  'Cpus_allowed:\t1\nCpus_allowed_list:\t0\n',
  `Mems_allowed:\t${'00000000,'.repeat(31)}00000001\nMems_allowed_list:\t0\n`,
].join('');

/** fs/proc/array.c task_context_switch_counts() */
function taskSwitches(task: TaskStruct): string {
  const { nvcsw, nivcsw } = threadRusage(task);
  return `voluntary_ctxt_switches:\t${nvcsw}\nnonvoluntary_ctxt_switches:\t${nivcsw}\n`;
}

/**
 * /proc/PID/status: for everyone to read (K-604). Ids are shown as the opener's namespace has them.
 * @see fs/proc/array.c proc_pid_status()
 */
export function showStatus(task: TaskStruct, _caller: TaskStruct, file: File): string {
  const mm = getTaskMm(task);
  return [
    `Name:\t${escapeComm(task.comm)}\n`,
    taskState(task, file),
    mm === null ? '' : taskMem(mm),
    taskSig(task),
    taskCap(task),
    MACHINE,
    taskSwitches(task),
  ].join('');
}
