import type { Task } from '../api/task.js';
import * as f from './strace-flags.js';
import { signalName } from './strace-names.js';
import {
  flags,
  hex,
  int,
  named,
  octal,
  path,
  peekBytes,
  peekView,
  pointer,
  quote,
} from './strace-values.js';

/** A structure at an address: what it holds, or the address where it cannot be read. */
export type Show = (task: Task, addr: bigint) => string;

/** A structure of known size. */
function struct(size: number, show: (view: DataView, task: Task) => string): Show {
  return (task, addr) => {
    const view = addr === 0n ? null : peekView(task, addr, size);
    return view === null ? pointer(addr) : show(view, task);
  };
}

function mode(bits: number): string {
  const type = bits & 0o170000;
  const setid = [
    [0o4000, 'S_ISUID'],
    [0o2000, 'S_ISGID'],
    [0o1000, 'S_ISVTX'],
  ] as const;
  const parts = [f.FILE_TYPES.get(type) ?? octal(type)];
  for (const [bit, name] of setid) if ((bits & bit) !== 0) parts.push(name);
  return [...parts, octal(bits & 0o777)].join('|');
}

/** Type and size, or number of a device, as strace shortens a struct stat. */
function statText(bits: number, size: bigint, device: string): string {
  const type = bits & 0o170000;
  const isDevice = type === 0o020000 || type === 0o060000;
  return `{st_mode=${mode(bits)}, ${isDevice ? `st_rdev=${device}` : `st_size=${size}`}, ...}`;
}

const makedev = (major: number, minor: number): string => `makedev(${hex(major)}, ${hex(minor)})`;

/** struct stat of the generic layout. */
export const stat = struct(128, (view) => {
  const rdev = view.getUint32(32, true);
  const device = makedev((rdev >>> 8) & 0xfff, (rdev & 0xff) | ((rdev >>> 12) & 0xfff00));
  return statText(view.getUint32(16, true), view.getBigInt64(48, true), device);
});

export const statx = struct(256, (view) => {
  const mask = flags(view.getUint32(0, true), f.STATX_MASK);
  const bits = view.getUint16(28, true);
  const size = view.getBigUint64(40, true);
  return `{stx_mask=${mask}, stx_attributes=0, stx_mode=${mode(bits)}, stx_size=${size}, ...}`;
});

const time = (view: DataView, at: number): string =>
  `{tv_sec=${view.getBigInt64(at, true)}, tv_nsec=${view.getBigInt64(at + 8, true)}}`;

export const timespec = struct(16, (view) => time(view, 0));
export const timeval = struct(
  16,
  (view) => `{tv_sec=${view.getBigInt64(0, true)}, tv_usec=${view.getBigInt64(8, true)}}`,
);

export const itimerspec = struct(
  32,
  (view) => `{it_interval=${time(view, 0)}, it_value=${time(view, 16)}}`,
);

export const sigevent = struct(64, (view) => {
  const notify = named(view.getInt32(12, true), f.SIGEV, 'SIGEV');
  const value = `{sival_int=${view.getInt32(0, true)}, sival_ptr=${pointer(view.getBigUint64(0, true))}}`;
  const number = view.getInt32(8, true);
  const signal = number === 0 ? '0' : signalName(number);
  const thread = notify.includes('THREAD_ID')
    ? `, sigev_notify_thread_id=${view.getInt32(16, true)}`
    : '';
  return `{sigev_value=${value}, sigev_signo=${signal}, sigev_notify=${notify}${thread}}`;
});

/** Operations of a semop(). */
export function sembufs(task: Task, addr: bigint, count: number): string {
  const view = count > 500 ? null : peekView(task, addr, 6 * count);
  if (view === null) return pointer(addr);
  const items = Array.from({ length: count }, (_, i) => {
    const [num, op] = [view.getUint16(6 * i, true), view.getInt16(6 * i + 2, true)];
    return `{sem_num=${num}, sem_op=${op}, sem_flg=${flags(view.getUint16(6 * i + 4, true), f.SEMOP)}}`;
  });
  return `[${items.join(', ')}]`;
}

function limit(value: bigint): string {
  if (value === 2n ** 64n - 1n) return 'RLIM64_INFINITY';
  return value > 1024n && value % 1024n === 0n ? `${value / 1024n}*1024` : String(value);
}

export const rlimit = struct(16, (view) => {
  const [current, most] = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
  return `{rlim_cur=${limit(current)}, rlim_max=${limit(most)}}`;
});

/** A set of signals: those in it, or those not in it where they are fewer. */
export function signalSet(bits: bigint): string {
  const all = Array.from({ length: 64 }, (_, i) => i + 1);
  const inside = all.filter((signal) => (bits & (1n << BigInt(signal - 1))) !== 0n);
  const inverted = inside.length >= 64 * (2 / 3);
  const listed = inverted ? all.filter((signal) => !inside.includes(signal)) : inside;
  const shown = listed.map((signal) => signalName(signal).replace(/^SIG/, ''));
  return `${inverted ? '~' : ''}[${shown.join(' ')}]`;
}

export const sigset = struct(8, (view) => signalSet(view.getBigUint64(0, true)));

/** struct sigaction of an architecture without a restorer. */
export const sigaction = struct(24, (view) => {
  const handler = view.getBigUint64(0, true);
  const bits = Number(view.getBigUint64(8, true));
  const known = ['SIG_DFL', 'SIG_IGN'][Number(handler)];
  const field = (bits & 4) !== 0 && known === undefined ? 'sa_sigaction' : 'sa_handler';
  const mask = signalSet(view.getBigUint64(16, true));
  const shown = flags(bits, f.SIGACTION);
  return `{${field === 'sa_sigaction' ? 'sa_handler' : field}=${known ?? hex(handler)}, sa_mask=${mask}, sa_flags=${shown}}`;
});

export const stackT = struct(24, (view) => {
  const bits = view.getUint32(8, true);
  const shown = flags(bits, [
    [1, 'SS_ONSTACK'],
    [2, 'SS_DISABLE'],
  ]);
  const at = pointer(view.getBigUint64(0, true));
  return `{ss_sp=${at}, ss_flags=${shown}, ss_size=${view.getBigUint64(16, true)}}`;
});

export const winsize = struct(8, (view) => {
  const at = (offset: number): number => view.getUint16(offset, true);
  return `{ws_row=${at(0)}, ws_col=${at(2)}, ws_xpixel=${at(4)}, ws_ypixel=${at(6)}}`;
});

export const pid = struct(4, (view) => `[${view.getInt32(0, true)}]`);

export const flock = struct(32, (view) => {
  const type = named(view.getInt16(0, true), f.LOCK_TYPES, 'F');
  const whence = named(view.getInt16(2, true), f.SEEK, 'SEEK');
  const [start, length] = [view.getBigInt64(8, true), view.getBigInt64(16, true)];
  return `{l_type=${type}, l_whence=${whence}, l_start=${start}, l_len=${length}}`;
});

export const uname = struct(390, (view) => {
  const field = (at: number): string => {
    const bytes = new Uint8Array(view.buffer, at, 65);
    return quote(bytes.subarray(0, bytes.indexOf(0)));
  };
  return `{sysname=${field(0)}, nodename=${field(65)}, ...}`;
});

/** A wait status. */
export const waitStatus = struct(4, (view) => {
  const status = view.getInt32(0, true);
  const low = status & 0x7f;
  const code = (status >> 8) & 0xff;
  if (low === 0) return `[{WIFEXITED(s) && WEXITSTATUS(s) == ${code}}]`;
  if ((status & 0xff) === 0x7f) return `[{WIFSTOPPED(s) && WSTOPSIG(s) == ${signalName(code)}}]`;
  const core = (status & 0x80) !== 0 ? ' && WCOREDUMP(s)' : '';
  return `[{WIFSIGNALED(s) && WTERMSIG(s) == ${signalName(low)}${core}}]`;
});

/** The value of an option of a socket, of which most are one int. */
export const optionValue = struct(4, (view) => `[${view.getInt32(0, true)}]`);

/** An address of a socket, of as many bytes. */
export function sockaddr(task: Task, addr: bigint, length: number): string {
  const bytes = addr === 0n || length > 128 ? null : peekBytes(task, addr, length);
  if (bytes === null || bytes.length < 2) return pointer(addr);
  const family = (bytes[0] as number) | ((bytes[1] as number) << 8);
  const rest = bytes.subarray(2);
  const fields = family === 1 ? unixFields(task, addr, rest) : inetFields(family, rest);
  const name = named(family, f.FAMILIES, 'AF');
  return `{sa_family=${name}${fields}}`;
}

function unixFields(task: Task, addr: bigint, rest: Uint8Array): string {
  if (rest.length === 0) return '';
  if (rest[0] === 0) return `, sun_path=@${quote(rest.subarray(1))}`;
  return `, sun_path=${path(task, addr + 2n)}`;
}

/** Port and address of IPv4 and IPv6, number and groups of netlink. */
function inetFields(family: number, rest: Uint8Array): string {
  const view = new DataView(rest.buffer, rest.byteOffset, rest.length);
  if (family === 2 && rest.length >= 14) {
    const text = rest.subarray(2, 6).join('.');
    return `, sin_port=htons(${view.getUint16(0)}), sin_addr=inet_addr("${text}")`;
  }
  if (family === 10 && rest.length >= 26) {
    const port = `, sin6_port=htons(${view.getUint16(0)}), sin6_flowinfo=htonl(${view.getUint32(2)})`;
    const at = `inet_pton(AF_INET6, "${version6(view)}", &sin6_addr)`;
    return `${port}, ${at}, sin6_scope_id=${view.getUint32(22, true)}`;
  }
  if (family === 16 && rest.length >= 10) {
    const groups = view.getUint32(6, true).toString(16).padStart(8, '0');
    return `, nl_pid=${view.getUint32(2, true)}, nl_groups=${groups}`;
  }
  return '';
}

/** An address of IPv6 as inet_ntop() writes it: the longest row of zeros, of two at least, as two colons. */
function version6(view: DataView): string {
  const words = Array.from({ length: 8 }, (_, i) => view.getUint16(6 + 2 * i).toString(16));
  const text = words.join(':');
  if (/^(?:0:){5}ffff:/.test(text)) {
    return `::ffff:${[0, 1, 2, 3].map((i) => view.getUint8(18 + i)).join('.')}`;
  }
  const runs = text.match(/\b0(?::0)+\b/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return text;
  const at = text.search(new RegExp(`(?<![0-9a-f])${longest}(?![0-9a-f])`));
  const [before, after] = [text.slice(0, at), text.slice(at + longest.length)];
  return `${before.replace(/:$/, '')}::${after.replace(/^:/, '')}`;
}

/** struct pollfds: what is asked, or after the call those that are ready. */
export function pollfds(task: Task, addr: bigint, count: number, ready: boolean): string {
  const view = count > 1024 ? null : peekView(task, addr, 8 * count);
  if (view === null) return pointer(addr);
  const items: string[] = [];
  for (let at = 0; at < view.byteLength; at += 8) {
    const fd = view.getInt32(at, true);
    const revents = view.getUint16(at + 6, true);
    if (!ready) {
      items.push(`{fd=${fd}, events=${flags(view.getUint16(at + 4, true), f.POLL)}}`);
    } else if (revents !== 0) items.push(`{fd=${fd}, revents=${flags(revents, f.POLL)}}`);
  }
  return `[${items.join(', ')}]`;
}

const epollItem = (view: DataView, at: number): string => {
  const data = `{u32=${view.getUint32(at + 8, true)}, u64=${view.getBigUint64(at + 8, true)}}`;
  return `{events=${flags(view.getInt32(at, true), f.EPOLL_EVENTS)}, data=${data}}`;
};

/** struct epoll_event of the generic layout. */
export const epollEvent = struct(16, (view) => epollItem(view, 0));

/** As many of them as a wait has found. */
export function epollEvents(task: Task, addr: bigint, count: number): string {
  const view = peekView(task, addr, 16 * count);
  if (view === null) return pointer(addr);
  return `[${Array.from({ length: count }, (_, i) => epollItem(view, 16 * i)).join(', ')}]`;
}

/** A siginfo, as it is shown where a signal arrives. */
export function siginfo(info: Uint8Array): string {
  const view = new DataView(info.buffer, info.byteOffset, info.length);
  const signal = view.getInt32(0, true);
  const code = view.getInt32(8, true);
  const codes = f.SI_CODES.get(signal);
  const name = f.SI_SENT.get(code) ?? codes?.[code - 1] ?? hex(code >>> 0);
  const head = `{si_signo=${signalName(signal)}, si_code=${name}`;
  if (code === -2) {
    const value = `{int=${view.getInt32(24, true)}, ptr=${pointer(view.getBigUint64(24, true))}}`;
    return `${head}, si_timerid=${hex(view.getInt32(16, true))}, si_overrun=${view.getInt32(20, true)}, si_value=${value}}`;
  }
  if (code <= 0)
    return `${head}, si_pid=${view.getInt32(16, true)}, si_uid=${view.getUint32(20, true)}}`;
  if (code === 128) return `${head}}`;
  if (signal === 17) {
    const status = view.getInt32(24, true);
    const how = code === 1 ? String(status) : signalName(status & 0x7f);
    const who = `si_pid=${view.getInt32(16, true)}, si_uid=${view.getUint32(20, true)}`;
    return `${head}, ${who}, si_status=${how}, si_utime=0, si_stime=0}`;
  }
  return `${head}, si_addr=${pointer(view.getBigUint64(16, true))}}`;
}

/** The dirfd of a call that takes a path. */
export function dirfd(value: bigint): string {
  return int(value) === -100 ? 'AT_FDCWD' : String(int(value));
}
