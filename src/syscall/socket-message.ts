import { EBADF, EINVAL, EMSGSIZE, EPIPE } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { sendToProcess } from '../kernel/kill.js';
import { makeSiginfo, SI_USER } from '../kernel/siginfo.js';
import { SIGPIPE } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import type { File } from '../vfs/file.js';
import { MAX_RW_COUNT } from '../vfs/flags.js';
import { toU64, type U64 } from '../vfs/u64.js';
import { isNonblock, socketFd } from '../vfs/unix-file.js';
import { SOCK_STREAM } from '../vfs/unix-socket.js';
import { int, readUser, type SyscallFamily, uint, writeU64, writeU32s, writeUser } from './args.js';
import { destination, writeAddress } from './socket.js';

// include/linux/socket.h
const MSG_OOB = 0x1;
const MSG_PEEK = 0x2;
const MSG_CTRUNC = 0x8;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
/** Bytes of struct cmsghdr, and how many descriptors one message carries at most. */
const CMSG_HEADER = 16;
const SCM_MAX_FD = 253;
/** Bytes of struct msghdr, and segments in it at most. */
const MSGHDR_SIZE = 56;
const UIO_MAXIOV = 1024;

/** struct user_msghdr, its segments read. */
interface MsgHdr {
  readonly name: U64;
  readonly nameLength: number;
  readonly segments: readonly { readonly base: U64; readonly length: number }[];
  readonly control: U64;
  readonly controlLength: number;
}

function readMsgHdr(task: TaskStruct, addr: U64): MsgHdr {
  const view = readUser(task, addr, MSGHDR_SIZE);
  const count = Number(view.getBigUint64(24, true));
  if (count > UIO_MAXIOV) fail(EMSGSIZE);
  const iov = readUser(task, toU64(view.getBigUint64(16, true)), 16 * count);
  const segments = Array.from({ length: count }, (_, i) => ({
    base: toU64(iov.getBigUint64(16 * i, true)),
    length: Number(iov.getBigUint64(16 * i + 8, true)),
  }));
  if (segments.some(({ length }) => length > MAX_RW_COUNT)) fail(EINVAL);
  return {
    name: toU64(view.getBigUint64(0, true)),
    nameLength: view.getInt32(8, true),
    segments,
    control: toU64(view.getBigUint64(32, true)),
    controlLength: Number(view.getBigUint64(40, true)),
  };
}

/** The open files that a control message sends. @throws {LinuxError} EINVAL; EBADF */
function readRights(task: TaskStruct, { control, controlLength }: MsgHdr): File[] {
  if (control === 0 || controlLength < CMSG_HEADER) return [];
  const view = readUser(task, control, Math.min(controlLength, 4096));
  const files: File[] = [];
  for (let at = 0; at + CMSG_HEADER <= view.byteLength;) {
    const length = Number(view.getBigUint64(at, true));
    if (length < CMSG_HEADER || at + length > view.byteLength) fail(EINVAL);
    const [level, type] = [view.getInt32(at + 8, true), view.getInt32(at + 12, true)];
    if (level === SOL_SOCKET) {
      if (type !== SCM_RIGHTS) fail(EINVAL);
      for (let fd = at + CMSG_HEADER; fd + 4 <= at + length; fd += 4) {
        files.push(filesOf(task).getRaw(view.getInt32(fd, true)) ?? fail(EBADF));
      }
    }
    at += (length + 7) & ~7;
  }
  return files.length > SCM_MAX_FD ? fail(EINVAL) : files;
}

/** Sends, with SIGPIPE where nobody reads (net/unix/af_unix.c). */
function sendBytes(
  task: TaskStruct,
  fd: number,
  bytes: Uint8Array,
  how: { flags: number; addr: U64; length: number; files: File[] },
): number {
  const { file, socket } = socketFd(task, fd);
  const to = destination(task, socket, how.addr, how.length);
  const nonblock = isNonblock(file) || (how.flags & MSG_DONTWAIT) !== 0;
  try {
    const sent = socket.send(bytes, how.files, to, nonblock);
    for (const travelling of how.files) travelling.get();
    return sent;
  } catch (error) {
    const broken = error instanceof LinuxError && error.errno === -EPIPE;
    if (broken && (how.flags & MSG_NOSIGNAL) === 0 && socket.type === SOCK_STREAM) {
      sendToProcess(task, SIGPIPE, makeSiginfo(SIGPIPE, SI_USER, task));
    }
    throw error;
  }
}

/** A message, or the next bytes of a stream; `bytes` are as many as fit. */
interface Received {
  readonly bytes: Uint8Array;
  /** Bytes of the whole datagram. */
  readonly whole: number;
  readonly from: string;
  readonly files: readonly File[];
}

function receive(task: TaskStruct, fd: number, room: number, flags: number): Received {
  if ((flags & MSG_OOB) !== 0) fail(EINVAL);
  const { file, socket } = socketFd(task, fd);
  const message = socket.next(isNonblock(file) || (flags & MSG_DONTWAIT) !== 0);
  if (message === null) return { bytes: new Uint8Array(0), whole: 0, from: '', files: [] };
  const { from, files } = message;
  const whole = message.bytes.length;
  const bytes = message.bytes.slice(0, room);
  if ((flags & MSG_PEEK) !== 0) return { bytes, whole, from, files: [] };
  socket.drop(bytes.length);
  return { bytes, whole: socket.type === SOCK_STREAM ? bytes.length : whole, from, files };
}

/** Descriptors for files that came with a message; returns the bytes used of the control buffer. */
function giveRights(
  task: TaskStruct,
  header: MsgHdr,
  files: readonly File[],
  flags: number,
): number {
  if (files.length === 0) return 0;
  const fit = Math.max(Math.floor((header.controlLength - CMSG_HEADER) / 4), 0);
  const table = filesOf(task);
  const fds: number[] = [];
  for (const file of files) {
    if (fds.length === fit) file.put();
    else {
      const fd = table.lowestFree(nofileLimit(task));
      table.install(fd, file, (flags & MSG_CMSG_CLOEXEC) !== 0);
      fds.push(fd);
    }
  }
  if (fds.length === 0) return 0;
  writeU64(task, header.control, CMSG_HEADER + 4 * fds.length);
  const at = BigInt(header.control);
  writeU32s(task, toU64(at + 8n), SOL_SOCKET, SCM_RIGHTS, ...fds);
  return Math.min((CMSG_HEADER + 4 * fds.length + 7) & ~7, header.controlLength);
}

function recvmsg(task: TaskStruct, fd: number, addr: U64, flags: number): number {
  const header = readMsgHdr(task, addr);
  const room = header.segments.reduce((sum, { length }) => sum + length, 0);
  const { bytes, whole, from, files } = receive(task, fd, Math.min(room, MAX_RW_COUNT), flags);
  let at = 0;
  for (const { base, length } of header.segments) {
    if (at === bytes.length) break;
    const part = bytes.subarray(at, at + length);
    writeUser(task, base, part);
    at += part.length;
  }
  const base = BigInt(addr);
  const used = giveRights(task, header, files, flags);
  let told = whole > bytes.length ? MSG_TRUNC : 0;
  if (files.length > 0 && used < CMSG_HEADER + 4 * files.length) told |= MSG_CTRUNC;
  if (header.name !== 0) writeAddress(task, header.name, toU64(base + 8n), from);
  if (header.name === 0 || from === '') writeU32s(task, toU64(base + 8n), 0);
  writeU64(task, toU64(base + 40n), used);
  writeU32s(task, toU64(base + 48n), told);
  return (flags & MSG_TRUNC) !== 0 ? whole : bytes.length;
}

function sendmsg(task: TaskStruct, fd: number, addr: U64, flags: number): number {
  socketFd(task, fd);
  const header = readMsgHdr(task, addr);
  const parts = header.segments.map(({ base, length }) => {
    const view = readUser(task, base, length);
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  });
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const files = readRights(task, header);
  const how = { flags, addr: header.name, length: header.nameLength, files };
  return sendBytes(task, fd, bytes, how);
}

/**
 * Messages over sockets.
 *
 * @see net/socket.c
 */
export const socketMessageCalls: SyscallFamily = {
  sendto(task, fd, buf, count, flags, addr, length) {
    const view = readUser(task, buf, Math.min(Number(count), MAX_RW_COUNT));
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    return sendBytes(task, int(fd), bytes, {
      flags: uint(flags),
      addr,
      length: int(length),
      files: [],
    });
  },
  recvfrom(task, fd, buf, count, flags, addr, length) {
    const room = Math.min(Number(count), MAX_RW_COUNT);
    const got = receive(task, int(fd), room, uint(flags));
    for (const file of got.files) file.put();
    writeUser(task, buf, got.bytes);
    if (addr !== 0 && got.from === '') writeU32s(task, length, 0);
    else writeAddress(task, addr, length, got.from);
    return (uint(flags) & MSG_TRUNC) !== 0 ? got.whole : got.bytes.length;
  },
  sendmsg: (task, fd, msg, flags) => sendmsg(task, int(fd), msg, uint(flags)),
  recvmsg: (task, fd, msg, flags) => recvmsg(task, int(fd), msg, uint(flags)),
};
