import { PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from '../kernel/ptrace.js';
import { SOCKET_WRITE } from '../kernel/sleep.js';
import { shownState } from '../kernel/task-state.js';
import type { TaskStruct } from '../kernel/task.js';
import { SOCKET_RECEIVE, SOCKET_WAIT } from '../net/socket-io.js';
import { socketOf } from '../net/socket-file.js';
import { TcpSocket } from '../net/tcp-socket.js';
import { FdTable } from '../vfs/fdtable.js';
import type { File } from '../vfs/file.js';
import { S_IFCHR, S_IFIFO, S_IFMT } from '../vfs/mode.js';

/**
 * The function in which a call sleeps, by what it noted when it began to (see sleep.ts). Compilers make clones of
 * some, which have a suffix in /proc: these have none.
 */
const PLACES: Readonly<Record<string, string>> = {
  clock_nanosleep: 'hrtimer_nanosleep',
  epoll: 'do_epoll_wait',
  fcntl: 'locks_lock_inode_wait',
  flock: 'locks_lock_inode_wait',
  futex: 'futex_do_wait',
  nanosleep: 'hrtimer_nanosleep',
  pause: '__do_sys_pause',
  poll: 'poll_schedule_timeout',
  rt_sigsuspend: 'sigsuspend',
  rt_sigtimedwait: 'do_sigtimedwait',
  select: 'poll_schedule_timeout',
  wait4: 'do_wait',
  waitid: 'do_wait',
};

/** Where reads and writes sleep, by the kind of file. */
const READS: Readonly<Record<number, readonly [read: string, write: string]>> = {
  [S_IFIFO]: ['anon_pipe_read', 'anon_pipe_write'],
  [S_IFCHR]: ['wait_woken', 'wait_woken'],
};
const SOCKET_SLEEPS: readonly string[] = [SOCKET_WRITE, SOCKET_RECEIVE, SOCKET_WAIT];
const A0 = 10;
const A7 = 17;
/** connect(2) of the generic table. */
const NR_CONNECT = 203;

/** The file whose descriptor is the first argument of the call that a task sleeps in. */
function fileOf({ hart, files }: TaskStruct): File | null {
  const fd = hart?.xInt(A0) ?? -1;
  return files instanceof FdTable && fd >= 0 ? files.getRaw(fd) : null;
}

/** Where a read or write sleeps, which depends on the kind of file. */
function transferPlace(task: TaskStruct, writes: boolean): string {
  const places = READS[(fileOf(task)?.inode.mode ?? 0) & S_IFMT];
  return places?.[writes ? 1 : 0] ?? (writes ? 'vfs_write' : 'vfs_read');
}

/** Where a call sleeps at a socket: sending, receiving, or until somebody connects. */
function socketPlace(task: TaskStruct, call: string): string {
  const file = fileOf(task);
  const socket = file === null ? null : socketOf(file);
  const tcp = socket instanceof TcpSocket;
  if (call === SOCKET_WRITE) return tcp ? 'wait_woken' : 'sock_alloc_send_pskb';
  if (call === SOCKET_RECEIVE) {
    if (tcp) return 'wait_woken';
    return socket?.isStream === true ? 'unix_stream_read_generic' : '__skb_wait_for_more_packets';
  }
  if (task.hart?.xInt(A7) === NR_CONNECT) return tcp ? 'wait_woken' : 'unix_wait_for_peer';
  return tcp ? 'inet_csk_accept' : '__skb_wait_for_more_packets';
}

function sleepPlace(task: TaskStruct): string {
  const call = task.sleep?.call ?? '';
  const known = PLACES[call];
  if (known !== undefined) return known;
  if (SOCKET_SLEEPS.includes(call)) return socketPlace(task, call);
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
