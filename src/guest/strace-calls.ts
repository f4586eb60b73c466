import type { Task } from '../api/task.js';
import { UC_SIGMASK } from './signal-frame.js';
import * as f from './strace-flags.js';
import { signalName } from './strace-names.js';
import * as s from './strace-structs.js';
import {
  buffer,
  flags,
  hex,
  int,
  named,
  octal,
  path,
  peekView,
  pointer,
  pointers,
  string,
  strings,
} from './strace-values.js';

/** What an argument is shown by: its call, its own value, and all of the call's. */
export interface Shown {
  readonly task: Task;
  readonly args: readonly bigint[];
  /** What the call returned; -1 before, and when it failed. */
  readonly result: number;
  readonly failed: boolean;
}

type Show = (value: bigint, call: Shown) => string;

/** How an argument is shown; one that the call stores is known when it is over. */
export type Argument = Show & { readonly stored?: true };

/** The arguments of a call, in their order. */
export type CallFormat = readonly Argument[];

const d: Argument = (value) => String(int(value));
const u: Argument = (value) => String(BigInt.asUintN(64, value));
const x: Argument = (value) => hex(value);
const long: Argument = (value) => String(BigInt.asIntN(64, value));
const ptr: Argument = (value) => pointer(value);
const mode: Argument = (value) => octal(int(value) & 0o7777);
const dir: Argument = (value) => s.dirfd(value);
const name: Argument = (value, { task }) => path(task, value);
const text: Argument = (value, { task }) => string(task, value);
const signal: Argument = (value) => (value === 0n ? '0' : signalName(int(value)));

const bits =
  (names: f.FlagNames, none = '0'): Argument =>
  (value) =>
    flags(int(value), names, none);
const one =
  (names: ReadonlyMap<number, string>, what: string): Argument =>
  (value) =>
    named(int(value) >>> 0, names, what);
/** What the caller gave. */
const given =
  (show: s.Show): Argument =>
  (value, { task }) =>
    show(task, value);
/** An argument that is shown when its call is over. */
const late = (show: Show): Argument =>
  Object.assign((value: bigint, call: Shown) => show(value, call), { stored: true as const });
/** What the kernel stored: the address where it did not. */
const stored = (show: s.Show): Argument =>
  late((value, { task, failed }) => (failed ? pointer(value) : show(task, value)));
/** Bytes of a buffer that was given, as many as argument `size` says. */
const inBuffer =
  (size: number): Argument =>
  (value, { task, args }) =>
    buffer(task, value, Number(args[size]));
/** Bytes that were stored: as many as the call returned. */
const outBuffer = late((value, { task, failed, result }) =>
  failed ? pointer(value) : buffer(task, value, result),
);
const epollEvents = late((value, { task, failed, result }) =>
  failed ? pointer(value) : s.epollEvents(task, value, result),
);
const latePtr = late((value) => pointer(value));

const openFlags: Argument = (value) => {
  const access = int(value) & 3;
  const rest = flags(int(value) & ~3, f.OPEN_FLAGS, '');
  return `${f.ACCESS_MODES.get(access)}${rest === '' ? '' : `|${rest}`}`;
};
const mapFlags: Argument = (value) => {
  const rest = flags(int(value) & ~0xf, f.MAP_FLAGS, '');
  return `${named(int(value) & 0xf, f.MAP_TYPES, 'MAP')}${rest === '' ? '' : `|${rest}`}`;
};
const access: Argument = (value) => flags(int(value), f.ACCESS, 'F_OK');
const environment: Argument = (value, { task }) => {
  const found = value === 0n ? null : pointers(task, value);
  if (found === null) return pointer(value);
  return `${pointer(value)} /* ${found.length} var${found.length === 1 ? '' : 's'} */`;
};
const cloneFlags = (value: bigint): string => {
  const sent = int(value) & 0xff;
  const shown = flags(int(value) & ~0xff, f.CLONE, '');
  return [shown, sent === 0 ? '' : signalName(sent)].filter((each) => each !== '').join('|') || '0';
};
const socketType: Argument = (value) => {
  const rest = flags(int(value) & ~0xf, f.SOCKET_FLAGS, '');
  return `${named(int(value) & 0xf, f.SOCKET_TYPES, 'SOCK')}${rest === '' ? '' : `|${rest}`}`;
};
const pair: Argument = (value, { task, failed }) => {
  if (failed) return pointer(value);
  const [a, b] = [task.load32(value) | 0, task.load32(value + 4n) | 0];
  return `[${a}, ${b}]`;
};
const entries: Argument = (value, { task, result, failed }) => {
  if (failed) return pointer(value);
  let count = 0;
  for (let at = 0; at < result;) {
    const length = task.load32(value + BigInt(at) + 16n) & 0xffff;
    if (length === 0) break;
    at += length;
    count += 1;
  }
  return `${pointer(value)} /* ${count} entries */`;
};
const futexOp: Argument = (value) => {
  const op = named(int(value) & 0x7f, f.FUTEX, 'FUTEX');
  const clock = (int(value) & 0x100) !== 0 ? '|FUTEX_CLOCK_REALTIME' : '';
  return `${op}${(int(value) & 0x80) !== 0 ? '_PRIVATE' : ''}${clock}`;
};
const address =
  (length: number): Argument =>
  (value, { task, args }) =>
    s.sockaddr(task, value, int(args[length] ?? 0n));

const ipcKey: Argument = (value) => (int(value) === 0 ? 'IPC_PRIVATE' : hex(int(value) >>> 0));
const ipcFlags: Argument = (value) => {
  const names = flags(int(value) & ~0o777, f.IPC, '');
  return [names, octal(int(value) & 0o777)].filter((each) => each !== '').join('|');
};
const sembufs: Argument = (value, { task, args }) => s.sembufs(task, value, Number(args[2] ?? 0n));
/** An address that the kernel stored, as long as it says at argument `length`. */
const storedAddress =
  (length: number): Argument =>
  (value, { task, args, failed }) => {
    const at = args[length] ?? 0n;
    if (failed || value === 0n || at === 0n) return pointer(value);
    return s.sockaddr(task, value, task.load32(at));
  };
const storedInt: Argument = (value, { task, failed }) =>
  failed || value === 0n ? pointer(value) : `[${task.load32(value) | 0}]`;

const STAT: CallFormat = [dir, name, stored(s.stat), bits(f.AT_FLAGS)];
const FUTEX_TIMED = [0, 6, 9, 11, 13];

/** Calls by name. What is not here is shown as numbers, as many as its name is known to take. */
export const CALLS: Readonly<Record<string, CallFormat>> = {
  read: [d, outBuffer, u],
  write: [d, inBuffer(2), u],
  pread64: [d, outBuffer, u, long],
  pwrite64: [d, inBuffer(2), u, long],
  close: [d],
  lseek: [d, long, one(f.SEEK, 'SEEK')],
  dup: [d],
  seccomp: [one(f.SECCOMP, 'SECCOMP'), bits(f.SECCOMP_FLAGS), ptr],
  dup3: [d, d, bits(f.OPEN_FLAGS)],
  pipe2: [pair, bits(f.OPEN_FLAGS)],
  newfstatat: STAT,
  fstat: [d, stored(s.stat)],
  statx: [dir, name, statxFlags, bits(f.STATX_MASK), stored(s.statx)],
  faccessat: [dir, name, access],
  faccessat2: [dir, name, access, bits(f.AT_FLAGS)],
  readlinkat: [dir, name, outBuffer, u],
  getdents64: [d, entries, u],
  getcwd: [late((value, call) => (call.failed ? pointer(value) : path(call.task, value))), u],
  chdir: [name],
  fchdir: [d],
  mkdirat: [dir, name, mode],
  mknodat: [dir, name, (value) => octal(int(value))],
  unlinkat: [dir, name, bits([[0x200, 'AT_REMOVEDIR']])],
  symlinkat: [name, dir, name],
  linkat: [dir, name, dir, name, bits(f.AT_FLAGS)],
  renameat: [dir, name, dir, name],
  renameat2: [dir, name, dir, name, bits(f.RENAME)],
  fchmod: [d, mode],
  fchmodat: [dir, name, mode],
  fchown: [d, d, d],
  fchownat: [dir, name, d, d, bits(f.AT_FLAGS)],
  truncate: [name, long],
  ftruncate: [d, long],
  umask: [mode],
  flock: [d, bits(f.FLOCK)],
  fsync: [d],
  fdatasync: [d],
  syncfs: [d],
  readahead: [d, long, u],
  sync_file_range: [d, long, long, bits(f.SYNC_FILE_RANGE)],
  sendfile: [d, d, ptr, u],
  splice: [d, ptr, d, ptr, u, bits(f.SPLICE)],
  tee: [d, d, u, bits(f.SPLICE)],
  vmsplice: [d, ptr, u, bits(f.SPLICE)],
  statfs: [name, ptr],
  fstatfs: [d, ptr],
  getxattr: [name, text, ptr, u],
  lgetxattr: [name, text, ptr, u],
  listxattr: [name, ptr, u],
  llistxattr: [name, ptr, u],

  brk: [ptr],
  mmap: [ptr, u, bits(f.PROT, 'PROT_NONE'), mapFlags, d, x],
  munmap: [ptr, u],
  mprotect: [ptr, u, bits(f.PROT, 'PROT_NONE')],
  fadvise64: [d, d, d, one(f.FADVISE, 'POSIX_FADV')],
  madvise: [ptr, u, one(f.MADVISE, 'MADV')],
  msync: [ptr, u, bits(f.MS)],

  execve: [name, (value, { task }) => strings(task, value), environment],
  exit: [d],
  exit_group: [d],
  wait4: [d, stored(waitStatusOrNull), bits(f.WAIT), ptr],
  kill: [d, signal],
  tkill: [d, signal],
  tgkill: [d, d, signal],
  getpid: [],
  gettid: [],
  getppid: [],
  getuid: [],
  geteuid: [],
  getgid: [],
  getegid: [],
  setsid: [],
  getpgid: [d],
  getsid: [d],
  setpgid: [d, d],
  sched_yield: [],
  sched_getscheduler: [d],
  sched_setattr: [d, ptr, x],
  sched_getattr: [d, ptr, u, x],
  ioprio_get: [d, d],
  ioprio_set: [d, d, x],
  sethostname: [inBuffer(1), u],
  setdomainname: [inBuffer(1), u],
  reboot: [x, x, x, ptr],
  set_tid_address: [ptr],
  set_robust_list: [ptr, u],
  rseq: [ptr, u, d, x],
  prlimit64: [d, one(f.RLIMITS, 'RLIMIT'), given(s.rlimit), stored(s.rlimit)],
  getrlimit: [one(f.RLIMITS, 'RLIMIT'), stored(s.rlimit)],
  uname: [stored(s.uname)],
  getrandom: [late((value, call) => randomBytes(value, call)), u, bits(f.GRND)],
  riscv_flush_icache: [ptr, ptr, x],

  rt_sigaction: [signal, given(s.sigaction), stored(s.sigaction), u],
  rt_sigprocmask: [one(f.SIGPROCMASK, 'SIG'), given(s.sigset), stored(s.sigset), u],
  // What it restores: the mask as it is afterwards.
  rt_sigreturn: [(_value, { task }) => `{mask=${s.signalSet(savedMask(task))}}`],
  rt_sigsuspend: [given(s.sigset), u],
  sigaltstack: [given(s.stackT), stored(s.stackT)],
  nanosleep: [given(s.timespec), latePtr],
  clock_nanosleep: [one(f.CLOCKS, 'CLOCK'), d, given(s.timespec), latePtr],
  clock_gettime: [one(f.CLOCKS, 'CLOCK'), stored(s.timespec)],
  clock_getres: [one(f.CLOCKS, 'CLOCK'), stored(s.timespec)],
  gettimeofday: [stored(s.timeval), ptr],

  socket: [one(f.FAMILIES, 'AF'), socketType, d],
  socketpair: [one(f.FAMILIES, 'AF'), socketType, d, pair],
  bind: [d, address(2), d],
  connect: [d, address(2), d],
  listen: [d, d],
  accept: [d, storedAddress(2), storedInt],
  accept4: [d, storedAddress(2), storedInt, bits(f.SOCKET_FLAGS)],
  getsockname: [d, storedAddress(2), storedInt],
  getpeername: [d, storedAddress(2), storedInt],
  shutdown: [d, one(f.SHUT, 'SHUT')],
  sendto: [d, inBuffer(2), u, bits(f.MSG), address(5), d],
  recvfrom: [d, outBuffer, u, bits(f.MSG), storedAddress(5), storedInt],
  sendmsg: [d, ptr, bits(f.MSG)],
  recvmsg: [d, ptr, bits(f.MSG)],
  sendmmsg: [d, ptr, u, bits(f.MSG)],
  recvmmsg: [d, ptr, u, bits(f.MSG), given(s.timespec)],
  setsockopt: [d, one(f.SOL, 'SOL'), d, given(s.optionValue), d],
  getsockopt: [d, one(f.SOL, 'SOL'), d, stored(s.optionValue), storedInt],
  eventfd2: [d, bits(f.EFD)],
  inotify_init1: [bits(f.IN_INIT)],
  inotify_add_watch: [d, name, bits(f.IN_EVENTS)],
  inotify_rm_watch: [d, d],
  epoll_create1: [bits([[0x80000, 'EPOLL_CLOEXEC']])],
  epoll_ctl: [d, one(f.EPOLL_OPS, 'EPOLL_CTL'), d, given(s.epollEvent)],
  epoll_pwait: [d, epollEvents, d, d, given(s.sigset), u],
  epoll_pwait2: [d, epollEvents, d, given(s.timespec), given(s.sigset), u],
  signalfd4: [d, given(s.sigset), u, bits(f.SFD)],
  timer_create: [one(f.CLOCKS, 'CLOCK'), given(s.sigevent), stored(s.pid)],
  timer_settime: [d, bits([[1, 'TIMER_ABSTIME']]), given(s.itimerspec), stored(s.itimerspec)],
  timer_gettime: [d, stored(s.itimerspec)],
  timer_getoverrun: [d],
  timer_delete: [d],
  membarrier: [one(f.MEMBARRIER, 'MEMBARRIER_CMD'), u],
  futex_waitv: [ptr, u, x, given(s.timespec), one(f.CLOCKS, 'CLOCK')],
  semget: [ipcKey, d, ipcFlags],
  semop: [d, sembufs, u],
  semtimedop: [d, sembufs, u, given(s.timespec)],
  semctl: [d, d, one(f.SEMCTL, 'SEM'), x],
  msgget: [ipcKey, ipcFlags],
  msgsnd: [d, ptr, u, bits(f.MSGOP)],
  msgrcv: [d, ptr, u, long, bits(f.MSGOP)],
  msgctl: [d, one(f.MSGCTL, 'MSG'), ptr],
  getitimer: [d, ptr],
  setitimer: [d, ptr, ptr],
};

/** What is held back once the handler has returned: its frame is at the stack pointer. */
function savedMask(task: Task): bigint {
  const sp = task.struct.hart?.x(2) ?? 0n;
  return peekView(task, sp + BigInt(UC_SIGMASK), 8)?.getBigUint64(0, true) ?? task.struct.blocked;
}

/** AT_STATX_SYNC_AS_STAT is no bit at all. */
function statxFlags(value: bigint): string {
  const sync = (int(value) & 0x6000) === 0 ? 'AT_STATX_SYNC_AS_STAT' : '';
  const rest = flags(int(value), f.AT_FLAGS, '');
  return [sync, rest].filter((each) => each !== '').join('|');
}

function waitStatusOrNull(task: Task, addr: bigint): string {
  return addr === 0n ? 'NULL' : s.waitStatus(task, addr);
}

/** Random bytes are all shown in hex. */
function randomBytes(value: bigint, { task, result, failed }: Shown): string {
  if (failed) return pointer(value);
  const shown = task.load(value, Math.min(result, 32));
  const digits = Array.from(shown, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`);
  return `"${digits.join('')}"${result > 32 ? '...' : ''}`;
}

/** Calls whose arguments depend on one of them: which, in their order. */
export const VARYING: Readonly<Record<string, (args: readonly bigint[]) => CallFormat>> = {
  openat(args) {
    const creates = (int(args[2] ?? 0n) & 0o100) !== 0 || (int(args[2] ?? 0n) & 0x400000) !== 0;
    return creates ? [dir, name, openFlags, mode] : [dir, name, openFlags];
  },
  fcntl(args) {
    const command = int(args[1] ?? 0n);
    const head: CallFormat = [d, one(f.FCNTL, 'F')];
    if ([1, 3, 9, 1032, 1034].includes(command)) return head;
    if (command === 2) return [...head, bits([[1, 'FD_CLOEXEC']])];
    if (command === 4) return [...head, openFlags];
    if ([5, 6, 7, 36, 37, 38].includes(command)) return [...head, given(s.flock)];
    return [...head, d];
  },
  ioctl(args) {
    const request = int(args[1] ?? 0n) >>> 0;
    const head: CallFormat = [d, one(f.IOCTL, '_IOC')];
    if (request === 0x5413) return [...head, stored(s.winsize)];
    if (request === 0x540f) return [...head, stored(s.pid)];
    if (request === 0x5410) return [...head, given(s.pid)];
    return [...head, ptr];
  },
  mremap(args) {
    const head: CallFormat = [ptr, u, u, bits(f.MREMAP)];
    return (int(args[3] ?? 0n) & 2) !== 0 ? [...head, ptr] : head;
  },
  futex(args) {
    const op = int(args[1] ?? 0n) & 0x7f;
    const head: CallFormat = [ptr, futexOp, d];
    if (op === 7 || op === 8) return [ptr, futexOp];
    if (op === 6 || op === 13) return [ptr, futexOp, lockTimeout];
    if (!FUTEX_TIMED.includes(op)) return op === 1 ? head : [...head, x, ptr, x];
    const timed: CallFormat = [...head, given(s.timespec)];
    return op === 9 ? [...timed, () => 'NULL', bitset] : timed;
  },
  ppoll: (args) => [
    (value, { task }) => s.pollfds(task, value, Number(args[1]), false),
    u,
    given(s.timespec),
    given(s.sigset),
    u,
  ],
};

/** A lock has no value: the register of that is passed over. */
const lockTimeout: Argument = (_value, { task, args }) => s.timespec(task, args[3] ?? 0n);

const bitset: Argument = (value) =>
  int(value) === -1 ? 'FUTEX_BITSET_MATCH_ANY' : hex(int(value) >>> 0);

/** Arguments of clone, which strace calls by their names. */
export function cloneArguments([
  bitsOf = 0n,
  stack = 0n,
  parent = 0n,
  tls = 0n,
  child = 0n,
]: readonly bigint[]): string {
  const word = int(bitsOf);
  const parts = [`child_stack=${pointer(stack)}`, `flags=${cloneFlags(bitsOf)}`];
  if ((word & 0x100000) !== 0) parts.push(`parent_tid=${pointer(parent)}`);
  if ((word & 0x80000) !== 0) parts.push(`tls=${pointer(tls)}`);
  if ((word & 0x1200000) !== 0) parts.push(`child_tidptr=${pointer(child)}`);
  return parts.join(', ');
}
