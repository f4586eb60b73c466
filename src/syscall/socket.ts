import {
  EAFNOSUPPORT,
  EINVAL,
  EPERM,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_NET_RAW, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import { NETLINK_ROUTE, NETLINK_SOCK_DIAG, NetlinkSocket } from '../net/netlink-socket.js';
import { getSockOption, setSockOption } from '../net/sock-options.js';
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  type Socket,
} from '../net/socket.js';
import { isNonblock, socketFd, socketGetfd } from '../net/socket-file.js';
import { waitFor } from '../net/socket-io.js';
import { IPPROTO_TCP, TcpSocket } from '../net/tcp-socket.js';
import { IPPROTO_UDP, UdpSocket } from '../net/udp-socket.js';
import { UnixSocket } from '../net/unix-socket.js';
import { sysClose } from '../vfs/fcntl.js';
import { O_CLOEXEC, O_NONBLOCK } from '../vfs/flags.js';
import type { U64 } from '../vfs/u64.js';
import { int, readUser, type SyscallFamily, writeU32s, writeUser } from './args.js';

const PF_MAX = 46;
const SOCK_TYPE_MASK = 0xf;
const SOCK_MAX = 11;
const IPPROTO_MAX = 263;
/** Bytes of any address (struct sockaddr_storage). */
const SOCKADDR_MAX = 128;
const SOL_SOCKET = 1;
/** Bytes of an option's value that are looked at. */
const OPTION_MAX = 4096;

/** The flags of a new socket's descriptor, and its type. */
function takeType(type: number): { type: number; nonblock: boolean; cloexec: boolean } {
  const flags = type & ~SOCK_TYPE_MASK;
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) fail(EINVAL);
  return {
    type: type & SOCK_TYPE_MASK,
    nonblock: (flags & O_NONBLOCK) !== 0,
    cloexec: (flags & O_CLOEXEC) !== 0,
  };
}

/**
 * A socket; those of the internet reach other sockets of this machine only.
 * @throws {LinuxError} EAFNOSUPPORT; EINVAL; EPROTONOSUPPORT; ESOCKTNOSUPPORT; EPERM: raw, without CAP_NET_RAW
 * @see net/socket.c __sock_create()
 */
function makeSocket(task: TaskStruct, family: number, type: number, protocol: number): Socket {
  if (family < 0 || family >= PF_MAX) fail(EAFNOSUPPORT);
  if (type < 0 || type >= SOCK_MAX) fail(EINVAL);
  if (family === AF_UNIX) return makeUnix(task, type, protocol);
  if (family === AF_INET || family === AF_INET6) return makeInet(task, family, type, protocol);
  return family === AF_NETLINK ? makeNetlink(task, type, protocol) : fail(EAFNOSUPPORT);
}

/** @see net/unix/af_unix.c unix_create() */
function makeUnix(task: TaskStruct, type: number, protocol: number): UnixSocket {
  if (protocol !== 0 && protocol !== AF_UNIX) fail(EPROTONOSUPPORT);
  // A raw socket of AF_UNIX is one of datagrams.
  const kind = type === SOCK_RAW ? SOCK_DGRAM : type;
  if (![SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET].includes(kind)) fail(ESOCKTNOSUPPORT);
  return new UnixSocket(task, kind);
}

/** @see net/ipv4/af_inet.c inet_create(), net/ipv6/af_inet6.c inet6_create() */
function makeInet(task: TaskStruct, family: number, type: number, protocol: number): Socket {
  if (protocol < 0 || protocol >= IPPROTO_MAX) fail(EINVAL);
  const { kernel } = task;
  if (type === SOCK_STREAM) {
    if (protocol !== 0 && protocol !== IPPROTO_TCP) fail(EPROTONOSUPPORT);
    return new TcpSocket(kernel, family);
  }
  if (type === SOCK_DGRAM) {
    if (protocol !== 0 && protocol !== IPPROTO_UDP) fail(EPROTONOSUPPORT);
    return new UdpSocket(kernel, family);
  }
  if (type !== SOCK_RAW) fail(ESOCKTNOSUPPORT);
  if (protocol === 0) fail(EPROTONOSUPPORT);
  // There is nothing below TCP and UDP that a packet could be given to.
  return fail(capable(task, kernel.initUserNs, CAP_NET_RAW) ? EPROTONOSUPPORT : EPERM);
}

/** @see net/netlink/af_netlink.c netlink_create() */
function makeNetlink(task: TaskStruct, type: number, protocol: number): NetlinkSocket {
  if (type !== SOCK_RAW && type !== SOCK_DGRAM) fail(ESOCKTNOSUPPORT);
  if (protocol !== NETLINK_ROUTE && protocol !== NETLINK_SOCK_DIAG) fail(EPROTONOSUPPORT);
  return new NetlinkSocket(task, type, protocol);
}

/**
 * A struct sockaddr, as it stands.
 * @throws {LinuxError} EINVAL: a length that is none; EFAULT
 * @see net/socket.c move_addr_to_kernel()
 */
export function readAddress(task: TaskStruct, addr: U64, length: number): Uint8Array {
  if (length < 0 || length > SOCKADDR_MAX) fail(EINVAL);
  if (length === 0) return new Uint8Array(0);
  const view = readUser(task, addr, length);
  return new Uint8Array(view.buffer, view.byteOffset, length);
}

/** Stores an address as far as there is room, and how long it is (net/socket.c move_addr_to_user()). */
export function writeAddress(
  task: TaskStruct,
  addr: U64,
  lengthAddr: U64,
  address: Uint8Array,
): void {
  const room = readUser(task, lengthAddr, 4).getInt32(0, true);
  if (room < 0) fail(EINVAL);
  writeUser(task, addr, address.subarray(0, room));
  writeU32s(task, lengthAddr, address.length);
}

function accept(task: TaskStruct, fd: number, addr: U64, length: U64, flags: number): number {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) fail(EINVAL);
  const { file, socket } = socketFd(task, fd);
  const step = (): Socket => socket.accept();
  const accepted = waitFor(task, isNonblock(file), socket.options.rcvtimeo, step);
  const how = { nonblock: (flags & O_NONBLOCK) !== 0, cloexec: (flags & O_CLOEXEC) !== 0 };
  const made = socketGetfd(task, accepted, how);
  if (addr === 0) return made;
  try {
    writeAddress(task, addr, length, accepted.acceptedFrom());
  } catch (error) {
    sysClose(task, made);
    throw error;
  }
  return made;
}

function socketpair(
  task: TaskStruct,
  family: number,
  type: number,
  protocol: number,
  addr: U64,
): number {
  const { type: kind, ...how } = takeType(type);
  writeU32s(task, addr, 0, 0);
  const a = makeSocket(task, family, kind, protocol);
  const b = makeSocket(task, family, kind, protocol);
  try {
    a.pairWith(b);
  } catch (error) {
    for (const each of [a, b]) each.release();
    throw error;
  }
  const first = socketGetfd(task, a, how);
  try {
    writeU32s(task, addr, first, socketGetfd(task, b, how));
  } catch (error) {
    sysClose(task, first);
    b.release();
    throw error;
  }
  return 0;
}

function connect(task: TaskStruct, fd: number, addr: U64, length: number): number {
  const { file, socket } = socketFd(task, fd);
  const address = readAddress(task, addr, length);
  const nonblock = isNonblock(file);
  const step = (): void => socket.connect(task, address, nonblock);
  waitFor(task, nonblock, socket.options.sndtimeo, step);
  return 0;
}

function listen(task: TaskStruct, fd: number, backlog: number): number {
  const most = task.kernel.sysctl.get('net.core.somaxconn');
  socketFd(task, fd).socket.listen(task, Math.min(backlog >>> 0, most));
  return 0;
}

function getname(task: TaskStruct, fd: number, addr: U64, length: U64, peer: boolean): number {
  writeAddress(task, addr, length, socketFd(task, fd).socket.address(peer));
  return 0;
}

function getsockopt(
  task: TaskStruct,
  fd: number,
  level: number,
  option: number,
  value: U64,
  lengthAddr: U64,
): number {
  const { socket } = socketFd(task, fd);
  const room = readUser(task, lengthAddr, 4).getInt32(0, true);
  if (room < 0) fail(EINVAL);
  const bytes =
    level === SOL_SOCKET ? getSockOption(task, socket, option) : socket.getOption(level, option);
  const told = bytes.subarray(0, room);
  writeUser(task, value, told);
  writeU32s(task, lengthAddr, told.length);
  return 0;
}

function setsockopt(
  task: TaskStruct,
  fd: number,
  level: number,
  option: number,
  value: U64,
  length: number,
): number {
  const { socket } = socketFd(task, fd);
  if (length < 0) fail(EINVAL);
  const view = readUser(task, value, Math.min(length, OPTION_MAX));
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (level === SOL_SOCKET) setSockOption(task, socket, option, bytes);
  else socket.setOption(task, level, option, bytes);
  return 0;
}

/**
 * Sockets within the machine.
 *
 * @see net/socket.c
 */
export const socketCalls: SyscallFamily = {
  socket(task, family, type, protocol) {
    const { type: kind, ...how } = takeType(int(type));
    return socketGetfd(task, makeSocket(task, int(family), kind, int(protocol)), how);
  },
  socketpair: (task, family, type, protocol, fds) =>
    socketpair(task, int(family), int(type), int(protocol), fds),
  bind(task, fd, addr, length) {
    const { socket } = socketFd(task, int(fd));
    socket.bind(task, readAddress(task, addr, int(length)));
    return 0;
  },
  listen: (task, fd, backlog) => listen(task, int(fd), int(backlog)),
  accept: (task, fd, addr, length) => accept(task, int(fd), addr, length, 0),
  accept4: (task, fd, addr, length, flags) => accept(task, int(fd), addr, length, int(flags)),
  connect: (task, fd, addr, length) => connect(task, int(fd), addr, int(length)),
  shutdown(task, fd, how) {
    socketFd(task, int(fd)).socket.shutdown(int(how));
    return 0;
  },
  getsockname: (task, fd, addr, length) => getname(task, int(fd), addr, length, false),
  getpeername: (task, fd, addr, length) => getname(task, int(fd), addr, length, true),
  getsockopt: (task, fd, level, option, value, length) =>
    getsockopt(task, int(fd), int(level), int(option), value, length),
  setsockopt: (task, fd, level, option, value, length) =>
    setsockopt(task, int(fd), int(level), int(option), value, int(length)),
};
