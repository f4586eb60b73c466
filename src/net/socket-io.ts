import { EAGAIN, EALREADY, EFAULT, EINPROGRESS, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import { type Sleep, SOCKET_WRITE } from '../kernel/sleep.js';
import type { TaskStruct } from '../kernel/task.js';
import type { UserBuffer } from '../mm/user.js';
import type { File } from '../vfs/file.js';
import {
  type ControlMessage,
  type Incoming,
  MSG_DONTWAIT,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  type Outgoing,
} from './message.js';
import { AF_UNIX, type Socket } from './socket.js';

/** Bytes that one step of a long transfer moves. */
const CHUNK_BYTES = 65536;
/** What calls are called that sleep at a socket, beside SOCKET_WRITE. */
export const SOCKET_RECEIVE = 'socket receive';
export const SOCKET_WAIT = 'socket wait';

/**
 * What a call of a task left when it last slept here; null: it begins. It is taken away: one call may move
 * several times (sendfile, sendmmsg).
 */
function takeSleep(task: TaskStruct, call: string): Sleep | null {
  const { sleep } = task;
  if (sleep?.call !== call) return null;
  task.sleep = null;
  return sleep;
}

/**
 * Has a call made again when something has happened; false once its time is over.
 * @param done bytes it has moved already
 * @param ms the timeout of the socket
 * @param slept what it left before
 * @throws {LinuxError} ERESTARTSYS
 */
function waitMore(
  task: TaskStruct,
  call: string,
  ms: number,
  slept: Sleep | null,
  done: number,
): false {
  const now = task.kernel.time();
  const until = slept?.until ?? now + ms;
  if (now >= until) return false;
  task.sleep = { call, until, done };
  return fail(ERESTARTSYS);
}

const wouldWait = (error: unknown): boolean =>
  error instanceof LinuxError && error.errno === -EAGAIN;

/**
 * Sends a buffer: all of it where the caller waits, or what fits.
 * @returns bytes sent
 * @throws {LinuxError} EAGAIN, ERESTARTSYS: no room; EFAULT; as Socket.send()
 */
export function sendAll(
  task: TaskStruct,
  socket: Socket,
  buf: UserBuffer,
  how: Outgoing,
  nonblock: boolean,
): number {
  const slept = takeSleep(task, SOCKET_WRITE);
  let done = slept?.done ?? 0;
  const waits = !nonblock && (how.flags & MSG_DONTWAIT) === 0;
  try {
    do {
      // Who has sent a part is told of an error by the next call.
      if (done > 0 && socket.error !== 0) break;
      const left = buf.length - done;
      const bytes = new Uint8Array(socket.isStream ? Math.min(left, CHUNK_BYTES) : left);
      if (buf.copyFrom(done, bytes) < bytes.length) fail(EFAULT);
      // What travels goes with the first byte, and once.
      done += socket.send(task, bytes, done === 0 ? how : { ...how, files: [] });
    } while (done < buf.length);
    return done;
  } catch (error) {
    if (!wouldWait(error)) return partOr(done, error);
    if (waits) waitMore(task, SOCKET_WRITE, socket.options.sndtimeo, slept, done);
    return partOr(done, error);
  }
}

function partOr(done: number, error: unknown): number {
  if (done > 0 && error instanceof LinuxError) return done;
  throw error;
}

/** What a read brought. */
export interface Received {
  /** Bytes stored. */
  readonly count: number;
  /** Bytes of the whole datagram. */
  readonly whole: number;
  readonly address: Uint8Array | null;
  readonly files: readonly File[];
  readonly control: readonly ControlMessage[];
  /** MSG_* of msg_flags. */
  readonly flags: number;
}

interface Reading {
  readonly flags: number;
  readonly nonblock: boolean;
}

const NOTHING = { address: null, files: [], control: [], flags: 0 } as const;

/**
 * Reads into a buffer: a datagram, or of a stream what is there.
 * @throws {LinuxError} EAGAIN, ERESTARTSYS: nothing is there; EFAULT; as Socket.next()
 */
export function receive(
  task: TaskStruct,
  socket: Socket,
  buf: UserBuffer,
  { flags, nonblock }: Reading,
): Received {
  const waits = !nonblock && (flags & MSG_DONTWAIT) === 0;
  if (socket.isStream) return receiveStream(task, socket, buf, flags, waits);
  const slept = takeSleep(task, SOCKET_RECEIVE);
  try {
    const message = socket.next(buf.length, flags, 0);
    if (message === null) return { count: 0, whole: 0, ...NOTHING };
    return takeDatagram(socket, buf, message, flags);
  } catch (error) {
    if (waits && wouldWait(error))
      waitMore(task, SOCKET_RECEIVE, socket.options.rcvtimeo, slept, 0);
    throw error;
  }
}

function takeDatagram(socket: Socket, buf: UserBuffer, message: Incoming, flags: number): Received {
  const { bytes, whole } = message;
  if ((flags & MSG_PEEK) === 0) socket.drop(bytes.length);
  const count = buf.copyTo(0, bytes);
  if (count < bytes.length) fail(EFAULT);
  const cut = whole > bytes.length ? MSG_TRUNC : 0;
  return { ...message, count, flags: message.flags | cut };
}

/**
 * Moves what a stream has into a buffer until that is full, a bound comes, or nothing is left.
 * @see net/ipv4/tcp.c tcp_recvmsg_locked(), net/unix/af_unix.c unix_stream_read_generic()
 */
function receiveStream(
  task: TaskStruct,
  socket: Socket,
  buf: UserBuffer,
  flags: number,
  waits: boolean,
): Received {
  const stays = (flags & (MSG_PEEK | MSG_OOB)) !== 0;
  const all = (flags & MSG_WAITALL) !== 0;
  const target = all ? buf.length : Math.min(socket.options.rcvlowat, buf.length) || 1;
  const slept = takeSleep(task, SOCKET_RECEIVE);
  let done = slept?.done ?? 0;
  let beside: Pick<Received, 'address' | 'files' | 'control' | 'flags'> = NOTHING;
  const result = (count: number): Received => ({ ...beside, count, whole: count });
  let skip = 0;
  try {
    do {
      const over = done >= target || socket.error !== 0;
      if (done > 0 && over && !socket.holds(skip)) break;
      const message = socket.next(buf.length - done, flags, skip);
      if (message === null) break;
      const { bytes } = message;
      // A read of two messages would not know whose these are.
      if (done > 0 && (message.files.length > 0 || beside.files.length > 0)) break;
      if (beside === NOTHING) beside = message;
      // MSG_TRUNC of TCP throws the bytes away.
      const stored = discards(socket, flags) ? bytes.length : buf.copyTo(done, bytes);
      if (stored === 0 && bytes.length > 0) fail(EFAULT);
      if (stays) skip += stored;
      else socket.drop(stored);
      done += stored;
      if (stored < bytes.length || message.last === true) break;
    } while (done < buf.length);
    return result(done);
  } catch (error) {
    if (!wouldWait(error))
      return done > 0 && error instanceof LinuxError ? result(done) : raise(error);
    if (done >= target) return result(done);
    // Who only looks begins anew.
    if (waits) waitMore(task, SOCKET_RECEIVE, socket.options.rcvtimeo, slept, stays ? 0 : done);
    return done > 0 ? result(done) : raise(error);
  }
}

const discards = (socket: Socket, flags: number): boolean =>
  (flags & MSG_TRUNC) !== 0 && socket.family !== AF_UNIX;

function raise(error: unknown): never {
  throw error;
}

/**
 * Makes a step that may have to wait: again when something has happened, or not at all.
 * @param ms the timeout of the socket
 * @throws {LinuxError} ERESTARTSYS; the step's, where the caller does not wait or its time is over
 */
export function waitFor<T>(task: TaskStruct, nonblock: boolean, ms: number, step: () => T): T {
  const slept = takeSleep(task, SOCKET_WAIT);
  try {
    return step();
  } catch (error) {
    const { errno } = error instanceof LinuxError ? error : { errno: 0 };
    if (nonblock || ![-EAGAIN, -EINPROGRESS, -EALREADY].includes(errno)) throw error;
    waitMore(task, SOCKET_WAIT, ms, slept, 0);
    throw error;
  }
}
