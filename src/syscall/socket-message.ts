import { EBADF, EINVAL, EMSGSIZE, EPIPE } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { sendToProcess } from '../kernel/kill.js';
import { makeSiginfo, SI_USER } from '../kernel/siginfo.js';
import { SIGPIPE } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import {
  type ControlMessage,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_TRUNC,
  MSG_WAITFORONE,
  type Outgoing,
} from '../net/message.js';
import { intBytes } from '../net/sock-options.js';
import { AF_UNIX, type Socket } from '../net/socket.js';
import { isNonblock, socketFd } from '../net/socket-file.js';
import { type Received, receive, sendAll } from '../net/socket-io.js';
import type { UserBuffer } from '../mm/user.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import type { File } from '../vfs/file.js';
import { MAX_RW_COUNT } from '../vfs/flags.js';
import { GatheredBuffer } from '../vfs/iov.js';
import { addU64, toU64, type U64 } from '../vfs/u64.js';
import {
  int,
  readUser,
  type SyscallFamily,
  uint,
  userBuffer,
  writeU32s,
  writeU64,
  writeUser,
} from './args.js';
import { readAddress, writeAddress } from './socket.js';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
/** Bytes of struct cmsghdr, and how many descriptors one message carries at most. */
const CMSG_HEADER = 16;
const SCM_MAX_FD = 253;
/** Bytes of control messages that are looked at. */
const CONTROL_MAX = 20480;
/** Bytes of struct msghdr and mmsghdr, and segments and messages at most. */
const MSGHDR_SIZE = 56;
const MMSGHDR_SIZE = 64;
const UIO_MAXIOV = 1024;

/** struct user_msghdr, its segments read. */
interface MsgHdr {
  readonly addr: U64;
  readonly name: U64;
  readonly nameLength: number;
  readonly buffer: UserBuffer;
  readonly control: U64;
  readonly controlLength: number;
}

function readMsgHdr(task: TaskStruct, addr: U64): MsgHdr {
  const view = readUser(task, addr, MSGHDR_SIZE);
  const count = Number(view.getBigUint64(24, true));
  if (count > UIO_MAXIOV) fail(EMSGSIZE);
  const iov = readUser(task, toU64(view.getBigUint64(16, true)), 16 * count);
  const segments = Array.from({ length: count }, (_, i) => {
    const length = Number(iov.getBigUint64(16 * i + 8, true));
    if (length > MAX_RW_COUNT) fail(EINVAL);
    return userBuffer(task, toU64(iov.getBigUint64(16 * i, true)), length);
  });
  const name = toU64(view.getBigUint64(0, true));
  const nameLength = view.getInt32(8, true);
  if (nameLength < 0) fail(EINVAL);
  return {
    addr,
    name,
    nameLength: name === 0 ? 0 : Math.min(nameLength, 128),
    buffer: new GatheredBuffer(segments),
    control: toU64(view.getBigUint64(32, true)),
    controlLength: Number(view.getBigUint64(40, true)),
  };
}

/** The control messages of a header. @throws {LinuxError} EINVAL: one that is none */
function readControl(task: TaskStruct, { control, controlLength }: MsgHdr): ControlMessage[] {
  if (control === 0 || controlLength < CMSG_HEADER) return [];
  const view = readUser(task, control, Math.min(controlLength, CONTROL_MAX));
  const messages: ControlMessage[] = [];
  for (let at = 0; at + CMSG_HEADER <= view.byteLength;) {
    const length = Number(view.getBigUint64(at, true));
    if (length < CMSG_HEADER || at + length > view.byteLength) fail(EINVAL);
    const data = new Uint8Array(
      view.buffer,
      view.byteOffset + at + CMSG_HEADER,
      length - CMSG_HEADER,
    );
    messages.push({ level: view.getInt32(at + 8, true), type: view.getInt32(at + 12, true), data });
    at += (length + 7) & ~7;
  }
  return messages;
}

/** The open files that control messages send. @throws {LinuxError} EINVAL; EBADF */
function readRights(task: TaskStruct, messages: readonly ControlMessage[]): File[] {
  const files: File[] = [];
  for (const { level, type, data } of messages) {
    if (level !== SOL_SOCKET || type === SCM_CREDENTIALS) continue;
    if (type !== SCM_RIGHTS) fail(EINVAL);
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    for (let at = 0; at + 4 <= data.length; at += 4) {
      files.push(filesOf(task).getRaw(view.getInt32(at, true)) ?? fail(EBADF));
    }
  }
  return files.length > SCM_MAX_FD ? fail(EINVAL) : files;
}

/** Sends, with SIGPIPE where nobody reads (net/core/stream.c sk_stream_error()). */
function send(task: TaskStruct, fd: number, buffer: UserBuffer, how: Outgoing): number {
  const { file, socket } = socketFd(task, fd);
  try {
    return sendAll(task, socket, buffer, how, isNonblock(file));
  } catch (error) {
    const broken = error instanceof LinuxError && error.errno === -EPIPE;
    if (broken && (how.flags & MSG_NOSIGNAL) === 0 && socket.isStream) {
      sendToProcess(task, SIGPIPE, makeSiginfo(SIGPIPE, SI_USER, task));
    }
    throw error;
  }
}

function get(task: TaskStruct, fd: number, buffer: UserBuffer, flags: number): Received {
  const { file, socket } = socketFd(task, fd);
  return receive(task, socket, buffer, { flags, nonblock: isNonblock(file) });
}

/** What a read answers: with MSG_TRUNC the whole of a datagram. */
const told = ({ count, whole }: Received, flags: number): number =>
  (flags & MSG_TRUNC) !== 0 ? whole : count;

/** Descriptors for files that came with a message, as many as there is room for. */
function giveRights(
  task: TaskStruct,
  files: readonly File[],
  room: number,
  flags: number,
): number[] {
  const fit = Math.max(Math.floor((room - CMSG_HEADER) / 4), 0);
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
  return fds;
}

/** Stores control messages; returns the bytes used, and whether one was cut. */
function writeControl(
  task: TaskStruct,
  header: MsgHdr,
  messages: readonly ControlMessage[],
): { used: number; cut: boolean } {
  const limit = header.control === 0 ? 0 : header.controlLength;
  let used = 0;
  for (const { level, type, data } of messages) {
    const length = Math.min(CMSG_HEADER + data.length, limit - used);
    if (length < CMSG_HEADER) return { used, cut: true };
    const at = addU64(header.control, used);
    writeU64(task, at, length);
    writeU32s(task, addU64(at, 8), level, type);
    writeUser(task, addU64(at, CMSG_HEADER), data.subarray(0, length - CMSG_HEADER));
    used = Math.min(used + ((length + 7) & ~7), limit);
    if (length < CMSG_HEADER + data.length) return { used, cut: true };
  }
  return { used, cut: false };
}

function recvmsg(task: TaskStruct, fd: number, addr: U64, flags: number): number {
  const header = readMsgHdr(task, addr);
  const got = get(task, fd, header.buffer, flags);
  const { files } = got;
  // Others' messages come first: descriptors fill what is left.
  const first = writeControl(task, header, got.control);
  const rest = {
    ...header,
    control: header.control === 0 ? 0 : addU64(header.control, first.used),
    controlLength: header.controlLength - first.used,
  };
  const fds = giveRights(task, files, rest.control === 0 ? 0 : rest.controlLength, flags);
  const rights =
    fds.length === 0 ? [] : [{ level: SOL_SOCKET, type: SCM_RIGHTS, data: intBytes(...fds) }];
  const second = writeControl(task, rest, rights);
  const cut = first.cut || second.cut || fds.length < files.length;
  if (header.name !== 0) {
    writeAddress(task, header.name, addU64(addr, 8), got.address ?? new Uint8Array(0));
  }
  writeU64(task, addU64(addr, 40), first.used + second.used);
  writeU32s(task, addU64(addr, 48), got.flags | (cut ? MSG_CTRUNC : 0));
  return told(got, flags);
}

function sendmsg(task: TaskStruct, fd: number, addr: U64, flags: number): number {
  const { socket } = socketFd(task, fd);
  const header = readMsgHdr(task, addr);
  const control = readControl(task, header);
  const files = carries(socket) ? readRights(task, control) : [];
  const address =
    header.nameLength === 0 ? null : readAddress(task, header.name, header.nameLength);
  return send(task, fd, header.buffer, { flags, address, control, files });
}

/** Only sockets of AF_UNIX carry open files; the rest look away. */
const carries = ({ family }: Socket): boolean => family === AF_UNIX;

/**
 * The messages of an array of struct mmsghdr, each with its length noted; an error after the first ends it
 * quietly.
 */
function each(
  task: TaskStruct,
  addr: U64,
  count: number,
  move: (at: U64, i: number) => number,
): number {
  const most = Math.min(count, UIO_MAXIOV);
  let done = 0;
  try {
    for (; done < most; done++) {
      const at = addU64(addr, done * MMSGHDR_SIZE);
      writeU32s(task, addU64(at, MSGHDR_SIZE), move(at, done));
    }
  } catch (error) {
    if (done === 0 || !(error instanceof LinuxError)) throw error;
    task.sleep = null;
  }
  return done;
}

/**
 * Messages over sockets.
 *
 * @see net/socket.c
 */
export const socketMessageCalls: SyscallFamily = {
  sendto(task, fd, buf, count, flags, addr, length) {
    const buffer = userBuffer(task, buf, Math.min(Number(count), MAX_RW_COUNT));
    const { socket } = socketFd(task, int(fd));
    const given = addr === 0 ? null : readAddress(task, addr, int(length));
    const address = given?.length === 0 && !carries(socket) ? null : given;
    return send(task, int(fd), buffer, { flags: uint(flags), address, control: [], files: [] });
  },
  recvfrom(task, fd, buf, count, flags, addr, length) {
    const buffer = userBuffer(task, buf, Math.min(Number(count), MAX_RW_COUNT));
    const got = get(task, int(fd), buffer, uint(flags));
    for (const file of got.files) file.put();
    if (addr !== 0) writeAddress(task, addr, length, got.address ?? new Uint8Array(0));
    return told(got, uint(flags));
  },
  sendmsg: (task, fd, msg, flags) => sendmsg(task, int(fd), msg, uint(flags)),
  recvmsg: (task, fd, msg, flags) => recvmsg(task, int(fd), msg, uint(flags)),
  sendmmsg: (task, fd, messages, count, flags) =>
    each(task, messages, uint(count), (at) => sendmsg(task, int(fd), at, uint(flags))),
  recvmmsg(task, fd, messages, count, flags) {
    const own = uint(flags) & ~MSG_WAITFORONE;
    // What has come is not kept waiting for more.
    return each(task, messages, uint(count), (at, i) =>
      recvmsg(task, int(fd), at, i === 0 ? own : own | MSG_DONTWAIT),
    );
  },
};
