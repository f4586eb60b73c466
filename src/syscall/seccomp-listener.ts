import { EBADF, EINPROGRESS, EINVAL, ENOENT, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { SECCOMP_DATA_SIZE } from '../kernel/seccomp.js';
import {
  NOTIF_FLAG_CONTINUE,
  SeccompListener,
  type SeccompNotification,
} from '../kernel/seccomp-notify.js';
import type { TaskStruct } from '../kernel/task.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import type { File, FileOperations } from '../vfs/file.js';
import { O_CLOEXEC, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../vfs/flags.js';
import type { U64 } from '../vfs/u64.js';
import { readUser, readUserStruct, writeUser } from './args.js';

/** sizeof(struct seccomp_notif), and of seccomp_notif_resp. */
export const NOTIF_SIZE = 16 + SECCOMP_DATA_SIZE;
export const NOTIF_RESP_SIZE = 24;
/** struct seccomp_notif_addfd, as it first was, which is as it is. */
const ADDFD_SIZE = 24;

// _IOWR('!', n, ...): include/uapi/linux/seccomp.h
const NOTIF_RECV = 0xc0502100;
const NOTIF_SEND = 0xc0182101;
const NOTIF_ID_VALID = 0x40082102;
/** The same with the direction that it had by mistake. */
const NOTIF_ID_VALID_WRONG_DIR = 0x80082102;
const NOTIF_SET_FLAGS = 0x40082104;
/** _IOW('!', 3, ...) of any size. */
const ADDFD_MASK = 0xc000ffff;
const NOTIF_ADDFD = 0x40002103;

const ADDFD_FLAG_SETFD = 1;
const ADDFD_FLAG_SEND = 2;
const FD_SYNC_WAKE_UP = 1n;

const listenerOf = (file: File): SeccompListener => file.privateData as SeccompListener;

/**
 * The descriptor of a supervisor: it hears of calls, looks into the callers, and says what becomes of the calls.
 * @see kernel/seccomp.c, seccomp_notify_ops
 */
export const listenerOperations: FileOperations = {
  poll(file) {
    const { notifications, hungUp } = listenerOf(file);
    let mask = 0;
    if (notifications.some(({ state }) => state === 'init')) mask |= POLLIN | POLLRDNORM;
    if (notifications.some(({ state }) => state === 'sent')) mask |= POLLOUT | POLLWRNORM;
    return hungUp ? mask | POLLHUP : mask;
  },
  arrivals: (file) => listenerOf(file).arrivals,
  ioctl(task, file, cmd, arg) {
    const listener = listenerOf(file);
    switch (cmd >>> 0) {
      case NOTIF_RECV:
        return receive(task, listener, arg);
      case NOTIF_SEND:
        return send(task, listener, arg);
      case NOTIF_ID_VALID:
      case NOTIF_ID_VALID_WRONG_DIR:
        return idValid(task, listener, arg);
      case NOTIF_SET_FLAGS:
        return (BigInt(arg) & ~FD_SYNC_WAKE_UP) === 0n ? 0 : fail(EINVAL);
      default: {
        if ((cmd & ADDFD_MASK) >>> 0 !== NOTIF_ADDFD) fail(EINVAL);
        return addFd(task, listener, arg, (cmd >>> 16) & 0x3fff);
      }
    }
  },
  release: (file) => listenerOf(file).close(),
};

/**
 * Takes the next call, and waits for one.
 * @throws {LinuxError} EFAULT; EINVAL: the structure is not zero; ENOENT: no task has the filter any more
 */
function receive(task: TaskStruct, listener: SeccompListener, addr: U64): number {
  const given = readUser(task, addr, NOTIF_SIZE);
  for (let at = 0; at < NOTIF_SIZE; at++) if (given.getUint8(at) !== 0) fail(EINVAL);
  const { next, hungUp } = listener;
  if (next === null) return fail(hungUp ? ENOENT : ERESTARTSYS);
  const notif = new DataView(new ArrayBuffer(NOTIF_SIZE));
  notif.setBigUint64(0, next.id, true);
  notif.setUint32(8, next.task.pid, true);
  new Uint8Array(notif.buffer).set(next.data, 16);
  // One that could not be told is there for the next who asks.
  writeUser(task, addr, notif);
  next.state = 'sent';
  return 0;
}

/** A call that waits for its answer. @throws {LinuxError} ENOENT: no such call; EINPROGRESS: nobody took it yet */
function sentCall(listener: SeccompListener, id: bigint): SeccompNotification {
  const call = listener.find(id) ?? fail(ENOENT);
  return call.state === 'sent' ? call : fail(EINPROGRESS);
}

/**
 * Says what a call answers.
 * @throws {LinuxError} EFAULT; EINVAL: unknown flags, a result for a call that is to be made; ENOENT, EINPROGRESS
 */
function send(task: TaskStruct, listener: SeccompListener, addr: U64): number {
  const response = readUser(task, addr, NOTIF_RESP_SIZE);
  const value = response.getBigUint64(8, true);
  const error = response.getInt32(16, true);
  const flags = response.getUint32(20, true);
  if ((flags & ~NOTIF_FLAG_CONTINUE) !== 0) fail(EINVAL);
  if (flags !== 0 && (error !== 0 || value !== 0n)) fail(EINVAL);
  sentCall(listener, response.getBigUint64(0, true)).reply(error, value, flags);
  return 0;
}

/** @throws {LinuxError} ENOENT: the call does not wait for an answer (any more); EFAULT */
function idValid(task: TaskStruct, listener: SeccompListener, addr: U64): number {
  const id = readUser(task, addr, 8).getBigUint64(0, true);
  return listener.find(id)?.state === 'sent' ? 0 : fail(ENOENT);
}

/**
 * Gives the caller of a call an open file of the supervisor's.
 * @returns the descriptor that it has there
 * @throws {LinuxError} EINVAL: size, flags; E2BIG, EFAULT: the structure; EBADF: no such file, or a number beyond
 *   the limit; EMFILE; ENOENT, EINPROGRESS
 */
function addFd(task: TaskStruct, listener: SeccompListener, addr: U64, size: number): number {
  if (size < ADDFD_SIZE || size >= PAGE_SIZE) fail(EINVAL);
  const request = readUserStruct(task, addr, size, { least: ADDFD_SIZE, size: ADDFD_SIZE });
  const flags = request.getUint32(8, true);
  const newfd = request.getUint32(16, true);
  const newfdFlags = request.getUint32(20, true);
  if ((newfdFlags & ~O_CLOEXEC) !== 0) fail(EINVAL);
  if ((flags & ~(ADDFD_FLAG_SETFD | ADDFD_FLAG_SEND)) !== 0) fail(EINVAL);
  const sets = (flags & ADDFD_FLAG_SETFD) !== 0;
  if (newfd !== 0 && !sets) fail(EINVAL);
  const file = filesOf(task).get(request.getUint32(12, true));
  const call = sentCall(listener, request.getBigUint64(0, true));
  const wanted = sets ? newfd : null;
  const fd = receiveFd(call.task, file, wanted, (newfdFlags & O_CLOEXEC) !== 0);
  if ((flags & ADDFD_FLAG_SEND) !== 0) call.reply(0, BigInt(fd), 0);
  return fd;
}

/** @see fs/file.c, receive_fd() and receive_fd_replace() */
function receiveFd(
  receiver: TaskStruct,
  file: File,
  wanted: number | null,
  cloexec: boolean,
): number {
  const files = filesOf(receiver);
  const limit = nofileLimit(receiver);
  if (wanted !== null && wanted >= limit) fail(EBADF);
  const fd = wanted ?? files.lowestFree(limit);
  file.get();
  if (wanted === null) files.install(fd, file, cloexec);
  else files.replace(fd, file, cloexec);
  return fd;
}
