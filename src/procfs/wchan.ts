import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import { shownState } from '../kernel/task-state.js';
import type { TaskStruct } from '../kernel/task.js';
import { FdTable } from '../vfs/fdtable.js';
import { S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK } from '../vfs/mode.js';

/**
 * The function in which a call sleeps, by what it noted when it began to (see sleep.ts). Compilers make clones of
 * some, which have a suffix in /proc: these have none.
 */
const PLACES: Readonly<Record<string, string>> = {
  accept: '__skb_wait_for_more_packets',
  accept4: '__skb_wait_for_more_packets',
  clock_nanosleep: 'hrtimer_nanosleep',
  connect: 'unix_wait_for_peer',
  epoll: 'do_epoll_wait',
  fcntl: 'locks_lock_inode_wait',
  flock: 'locks_lock_inode_wait',
  futex: 'futex_do_wait',
  nanosleep: 'hrtimer_nanosleep',
  pause: '__do_sys_pause',
  poll: 'poll_schedule_timeout',
  recvfrom: 'unix_stream_read_generic',
  recvmsg: 'unix_stream_read_generic',
  rt_sigsuspend: 'sigsuspend',
  rt_sigtimedwait: 'do_sigtimedwait',
  select: 'poll_schedule_timeout',
  sendmsg: 'sock_alloc_send_pskb',
  sendto: 'sock_alloc_send_pskb',
  wait4: 'do_wait',
  waitid: 'do_wait',
};

/** Where reads and writes sleep, by the kind of file. */
const READS: Readonly<Record<number, readonly [read: string, write: string]>> = {
  [S_IFIFO]: ['anon_pipe_read', 'anon_pipe_write'],
  [S_IFSOCK]: ['unix_stream_read_generic', 'sock_alloc_send_pskb'],
  [S_IFCHR]: ['wait_woken', 'wait_woken'],
};
const A0 = 10;

/** Where a read or write sleeps: at the file whose descriptor is its first argument. */
function transferPlace({ hart, files }: TaskStruct, writes: boolean): string {
  const fd = hart?.xInt(A0) ?? -1;
  const file = files instanceof FdTable && fd >= 0 ? files.getRaw(fd) : null;
  const places = READS[(file?.inode.mode ?? 0) & S_IFMT];
  return places?.[writes ? 1 : 0] ?? (writes ? 'vfs_write' : 'vfs_read');
}

function sleepPlace(task: TaskStruct): string {
  const call = task.sleep?.call ?? '';
  const known = PLACES[call];
  if (known !== undefined) return known;
  if (/read|write|splice|tee|sendfile/.test(call)) return transferPlace(task, /write/.test(call));
  return call === '' ? 'do_wait' : `__do_sys_${call}`;
}

/**
 * /proc/PID/wchan: where in the kernel a task waits. "0": nowhere, or not for this reader (K-604).
 * @see fs/proc/base.c proc_pid_wchan()
 */
export function showWchan(task: TaskStruct, caller: TaskStruct): string {
  if (!ptraceMayAccess(caller, task, PTRACE_MODE_READ_FSCREDS)) return '0';
  switch (shownState(task)) {
    case 'S':
      return sleepPlace(task);
    case 'D':
      return 'kernel_clone';
    case 'T':
      return 'do_signal_stop';
    case 't':
      return 'ptrace_stop';
    default:
      return '0';
  }
}
