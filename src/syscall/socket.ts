import {
  EAFNOSUPPORT,
  EFAULT,
  EINVAL,
  EISCONN,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { fromKgidMunged, fromKuidMunged } from '../kernel/userns.js';
import { decodeName, encodeName } from '../mm/name-bytes.js';
import { sysClose } from '../vfs/fcntl.js';
import { O_CLOEXEC, O_NONBLOCK } from '../vfs/flags.js';
import type { U64 } from '../vfs/u64.js';
import {
  acceptSocket,
  bindSocket,
  connectSocket,
  findSocket,
  isNonblock,
  socketFd,
  socketGetfd,
} from '../vfs/unix-file.js';
import { SNDBUF, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM, UnixSocket } from '../vfs/unix-socket.js';
import { int, readUser, type SyscallFamily, uint, writeU32s, writeUser } from './args.js';

export const AF_UNIX = 1;
const PF_MAX = 46;
const SOCK_RAW = 3;
const SOCK_TYPE_MASK = 0xf;
const SOCK_MAX = 11;
/** Bytes of struct sockaddr_un and of its path. */
const SOCKADDR_UN_SIZE = 110;
/** Bytes of any address (struct sockaddr_storage). */
const SOCKADDR_MAX = 128;

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_ERROR = 4;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_PEERCRED = 17;
const SO_ACCEPTCONN = 30;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
/** Options of SOL_SOCKET that are taken, and read as 0: SO_DEBUG to SO_BSDCOMPAT and SO_PASSCRED. */
const PLAIN_OPTIONS = [1, 2, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21];

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
 * A socket; this machine has no network, so those of AF_UNIX only.
 * @throws {LinuxError} EAFNOSUPPORT; EPROTONOSUPPORT; ESOCKTNOSUPPORT
 * @see net/socket.c __sock_create(), net/unix/af_unix.c unix_create()
 */
function makeSocket(task: TaskStruct, family: number, type: number, protocol: number): UnixSocket {
  if (family < 0 || family >= PF_MAX) fail(EAFNOSUPPORT);
  if (type < 0 || type >= SOCK_MAX) fail(EINVAL);
  if (family !== AF_UNIX) fail(EAFNOSUPPORT);
  if (protocol !== 0 && protocol !== AF_UNIX) fail(EPROTONOSUPPORT);
  // A raw socket of AF_UNIX is one of datagrams.
  const kind = type === SOCK_RAW ? SOCK_DGRAM : type;
  if (![SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET].includes(kind)) fail(ESOCKTNOSUPPORT);
  return new UnixSocket(kind, { pid: task.tgid, cred: task.cred });
}

/**
 * The name in a struct sockaddr_un: a path, a NUL and an abstract name, or nothing.
 * @throws {LinuxError} EINVAL: too short, too long, or of another family; EFAULT
 * @see net/socket.c move_addr_to_kernel(), net/unix/af_unix.c unix_validate_addr()
 */
export function readAddress(task: TaskStruct, addr: U64, length: number): string {
  if (length < 0 || length > SOCKADDR_MAX) fail(EINVAL);
  if (length === 0) return fail(EINVAL);
  const view = readUser(task, addr, length);
  if (length < 2 || length > SOCKADDR_UN_SIZE || view.getUint16(0, true) !== AF_UNIX) fail(EINVAL);
  const bytes = new Uint8Array(view.buffer, view.byteOffset + 2, length - 2);
  if (bytes.length === 0) return '';
  if (bytes[0] === 0) return decodeName(bytes);
  const nul = bytes.indexOf(0);
  return decodeName(nul < 0 ? bytes : bytes.subarray(0, nul));
}

/** Stores an address as far as there is room, and how long it is (net/socket.c move_addr_to_user()). */
export function writeAddress(task: TaskStruct, addr: U64, lengthAddr: U64, name: string): void {
  if (addr === 0) return;
  const room = readUser(task, lengthAddr, 4).getInt32(0, true);
  if (room < 0) fail(EINVAL);
  const path = encodeName(name);
  const terminated = name === '' || name.startsWith('\0') ? 0 : 1;
  const bytes = new Uint8Array(2 + path.length + terminated);
  bytes[0] = AF_UNIX;
  bytes.set(path, 2);
  writeUser(task, addr, bytes.subarray(0, room));
  writeU32s(task, lengthAddr, bytes.length);
}

function accept(task: TaskStruct, fd: number, addr: U64, length: U64, flags: number): number {
  if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) !== 0) fail(EINVAL);
  const { file, socket } = socketFd(task, fd);
  const accepted = acceptSocket(socket, isNonblock(file));
  const how = { nonblock: (flags & O_NONBLOCK) !== 0, cloexec: (flags & O_CLOEXEC) !== 0 };
  const made = socketGetfd(task, accepted, how);
  writeAddress(task, addr, length, accepted.peer?.name ?? '');
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
  a.join(b);
  const first = socketGetfd(task, a, how);
  try {
    writeU32s(task, addr, first, socketGetfd(task, b, how));
  } catch (error) {
    sysClose(task, first);
    throw error;
  }
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
  if (level !== SOL_SOCKET) fail(EOPNOTSUPP);
  const room = readUser(task, lengthAddr, 4).getInt32(0, true);
  if (room < 0) fail(EINVAL);
  const words = optionWords(task, socket, option);
  const bytes = new Uint8Array(new Int32Array(words).buffer).subarray(0, room);
  writeUser(task, value, bytes);
  writeU32s(task, lengthAddr, bytes.length);
  return 0;
}

/** @throws {LinuxError} ENOPROTOOPT: no such option */
function optionWords(task: TaskStruct, socket: UnixSocket, option: number): number[] {
  const ns = task.cred.userNs;
  const peer = socket.peerCred;
  switch (option) {
    case SO_TYPE:
      return [socket.type];
    case SO_SNDBUF:
    case SO_RCVBUF:
      return [SNDBUF];
    case SO_ACCEPTCONN:
      return [Number(socket.backlog !== null)];
    case SO_DOMAIN:
      return [AF_UNIX];
    case SO_PEERCRED:
      if (peer === null) return [0, -1, -1];
      return [
        peer.pid,
        fromKuidMunged(ns, peer.cred.euid) | 0,
        fromKgidMunged(ns, peer.cred.egid) | 0,
      ];
    default:
      return option === SO_ERROR || option === SO_PROTOCOL || PLAIN_OPTIONS.includes(option)
        ? [0]
        : fail(ENOPROTOOPT);
  }
}

function setsockopt(
  task: TaskStruct,
  fd: number,
  level: number,
  option: number,
  value: U64,
  length: number,
): number {
  socketFd(task, fd);
  if (level !== SOL_SOCKET) fail(EOPNOTSUPP);
  if (length < 4) fail(EINVAL);
  readUser(task, value, 4);
  const known = option === SO_SNDBUF || option === SO_RCVBUF || PLAIN_OPTIONS.includes(option);
  return known ? 0 : fail(ENOPROTOOPT);
}

/** The socket a message goes to beside the one it is connected to. */
export function destination(
  task: TaskStruct,
  socket: UnixSocket,
  addr: U64,
  length: number,
): UnixSocket | null {
  if (addr === 0) return null;
  const name = readAddress(task, addr, length);
  if (socket.connects) fail(socket.peer === null ? EOPNOTSUPP : EISCONN);
  return findSocket(task, name, socket.type);
}

/**
 * Sockets within the machine.
 *
 * @see net/socket.c, net/unix/af_unix.c
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
    bindSocket(task, socket, readAddress(task, addr, int(length)));
    return 0;
  },
  listen(task, fd, backlog) {
    socketFd(task, int(fd)).socket.listen(uint(backlog));
    return 0;
  },
  accept: (task, fd, addr, length) => accept(task, int(fd), addr, length, 0),
  accept4: (task, fd, addr, length, flags) => accept(task, int(fd), addr, length, int(flags)),
  connect(task, fd, addr, length) {
    const { file, socket } = socketFd(task, int(fd));
    const name = readAddress(task, addr, int(length));
    if (name === '') fail(EINVAL);
    connectSocket(task, socket, name, isNonblock(file));
    return 0;
  },
  shutdown(task, fd, how) {
    socketFd(task, int(fd)).socket.shutdown(int(how));
    return 0;
  },
  getsockname(task, fd, addr, length) {
    const { socket } = socketFd(task, int(fd));
    if (addr === 0) fail(EFAULT);
    writeAddress(task, addr, length, socket.name ?? '');
    return 0;
  },
  getpeername(task, fd, addr, length) {
    const { socket } = socketFd(task, int(fd));
    if (socket.peer === null) fail(ENOTCONN);
    if (addr === 0) fail(EFAULT);
    writeAddress(task, addr, length, socket.peer.name ?? '');
    return 0;
  },
  getsockopt: (task, fd, level, option, value, length) =>
    getsockopt(task, int(fd), int(level), int(option), value, length),
  setsockopt: (task, fd, level, option, value, length) =>
    setsockopt(task, int(fd), int(level), int(option), value, int(length)),
};
