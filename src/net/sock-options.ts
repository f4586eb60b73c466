import {
  EACCES,
  EDOM,
  EINVAL,
  ENODEV,
  ENOENT,
  ENOPROTOOPT,
  EPERM,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_NET_ADMIN, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Socket } from './socket.js';

// include/uapi/asm-generic/socket.h
const SO_DEBUG = 1;
const SO_REUSEADDR = 2;
const SO_TYPE = 3;
const SO_ERROR = 4;
const SO_BROADCAST = 6;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_OOBINLINE = 10;
const SO_PRIORITY = 12;
const SO_LINGER = 13;
const SO_BSDCOMPAT = 14;
const SO_REUSEPORT = 15;
const SO_RCVLOWAT = 18;
const SO_SNDLOWAT = 19;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;
const SO_BINDTODEVICE = 25;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;
const SO_ACCEPTCONN = 30;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SO_MARK = 36;
const SO_PROTOCOL = 38;
const SO_DOMAIN = 39;
const SO_PEEK_OFF = 42;
const SO_BPF_EXTENSIONS = 48;
const SO_COOKIE = 57;
const SO_RCVTIMEO_NEW = 66;
const SO_SNDTIMEO_NEW = 67;

/**
 * Options that are 0 or 1, and kept: DEBUG, REUSEADDR, DONTROUTE, BROADCAST, KEEPALIVE, OOBINLINE, NO_CHECK,
 * REUSEPORT, PASSCRED, TIMESTAMP, PASSSEC, TIMESTAMPNS, RXQ_OVFL, WIFI_STATUS, NOFCS, LOCK_FILTER,
 * SELECT_ERR_QUEUE.
 */
const FLAGS = new Set([1, 2, 5, 6, 9, 10, 11, 15, 16, 29, 34, 35, 40, 41, 43, 44, 45]);
/** Numbers that are kept: TIMESTAMPING, BUSY_POLL, INCOMING_CPU, ZEROCOPY, TXREHASH, PREFER_BUSY_POLL. */
const NUMBERS = new Set([37, 46, 49, 60, 69, 74]);

/** SOCK_MIN_SNDBUF and SOCK_MIN_RCVBUF of include/net/sock.h; net.core.wmem_max and rmem_max. */
const MIN_SNDBUF = 4608;
const MIN_RCVBUF = 2304;
const MAX_BUFFER = 212992;
const USEC = 1e6;

/** One int, little-endian. */
export function intBytes(...values: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(values).buffer);
}

/** The int that a value begins with. @throws {LinuxError} EINVAL: it is too short */
export function intOf(value: Uint8Array): number {
  if (value.length < 4) fail(EINVAL);
  return new DataView(value.buffer, value.byteOffset).getInt32(0, true);
}

/** What SOL_SOCKET sets of a socket (net/core/sock.c). */
export class SockOptions {
  /** Options that are one number, by SO_*; absent: 0. */
  readonly numbers = new Map<number, number>();
  /** SO_SNDBUF and SO_RCVBUF as they were set; null: the family's. */
  sndbuf: number | null = null;
  rcvbuf: number | null = null;
  rcvlowat = 1;
  /** Milliseconds; Infinity: no limit. */
  rcvtimeo = Infinity;
  sndtimeo = Infinity;
  /** Seconds that a close waits for what is not sent; null: SO_LINGER is off. */
  linger: number | null = null;
  priority = 0;
  mark = 0;

  has(option: number): boolean {
    return (this.numbers.get(option) ?? 0) !== 0;
  }

  get reuseAddr(): boolean {
    return this.has(SO_REUSEADDR);
  }

  get reusePort(): boolean {
    return this.has(SO_REUSEPORT);
  }

  get broadcast(): boolean {
    return this.has(SO_BROADCAST);
  }

  get oobInline(): boolean {
    return this.has(SO_OOBINLINE);
  }

  /** What a connection that is accepted has of the socket that listens (sk_clone()). */
  inherit(from: SockOptions): void {
    for (const [option, value] of from.numbers) this.numbers.set(option, value);
    const { sndbuf, rcvbuf, rcvlowat, rcvtimeo, sndtimeo, linger, priority, mark } = from;
    Object.assign(this, { sndbuf, rcvbuf, rcvlowat, rcvtimeo, sndtimeo, linger, priority, mark });
  }
}

/** Bytes a socket may have waiting on its way out, and in. */
export const sndbufOf = (socket: Socket): number =>
  socket.options.sndbuf ?? socket.defaultBuffers.send;
export const rcvbufOf = (socket: Socket): number =>
  socket.options.rcvbuf ?? socket.defaultBuffers.receive;

function timeBytes(ms: number): Uint8Array {
  const bytes = new BigInt64Array(2);
  if (ms !== Infinity) {
    bytes[0] = BigInt(Math.floor(ms / 1000));
    bytes[1] = BigInt(Math.round((ms % 1000) * 1000));
  }
  return new Uint8Array(bytes.buffer);
}

/** @throws {LinuxError} EINVAL: too short; EDOM: microseconds that are none (sock_set_timeout()) */
function timeOf(value: Uint8Array): number {
  if (value.length < 16) fail(EINVAL);
  const view = new DataView(value.buffer, value.byteOffset);
  const [seconds, usec] = [Number(view.getBigInt64(0, true)), Number(view.getBigInt64(8, true))];
  if (usec < 0 || usec >= USEC) fail(EDOM);
  if (seconds < 0) return 0;
  const ms = seconds * 1000 + usec / 1000;
  return ms === 0 ? Infinity : ms;
}

function lingerBytes({ linger }: SockOptions): Uint8Array {
  return intBytes(Number(linger !== null), linger ?? 0);
}

/**
 * The value of an option of SOL_SOCKET.
 * @throws {LinuxError} ENOPROTOOPT: no such option
 * @see net/core/sock.c sk_getsockopt()
 */
export function getSockOption(task: TaskStruct, socket: Socket, option: number): Uint8Array {
  const own = socket.ownOption(task, option);
  if (own !== undefined) return own;
  const { options } = socket;
  if (FLAGS.has(option) || NUMBERS.has(option)) return intBytes(options.numbers.get(option) ?? 0);
  switch (option) {
    case SO_TYPE:
      return intBytes(socket.type);
    case SO_ERROR:
      return intBytes(socket.takeError());
    case SO_SNDBUF:
      return intBytes(sndbufOf(socket));
    case SO_RCVBUF:
      return intBytes(rcvbufOf(socket));
    case SO_PRIORITY:
      return intBytes(options.priority);
    case SO_LINGER:
      return lingerBytes(options);
    case SO_RCVLOWAT:
      return intBytes(options.rcvlowat);
    case SO_SNDLOWAT:
      return intBytes(1);
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
      return timeBytes(options.rcvtimeo);
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
      return timeBytes(options.sndtimeo);
    case SO_BINDTODEVICE:
      return new Uint8Array(0);
    case SO_ACCEPTCONN:
      return intBytes(Number(socket.listens));
    case SO_MARK:
      return intBytes(options.mark);
    case SO_PROTOCOL:
      return intBytes(socket.protocol);
    case SO_DOMAIN:
      return intBytes(socket.family);
    case SO_PEEK_OFF:
      return intBytes(-1);
    case SO_BPF_EXTENSIONS:
      return intBytes(64);
    case SO_COOKIE:
      return new Uint8Array(new BigUint64Array([BigInt(socket.ino)]).buffer);
    case SO_BSDCOMPAT:
      return intBytes(0);
    default:
      return fail(ENOPROTOOPT);
  }
}

const admin = (task: TaskStruct): boolean => capable(task, task.kernel.initUserNs, CAP_NET_ADMIN);

/**
 * Sets an option of SOL_SOCKET.
 * @throws {LinuxError} EINVAL: too short, or out of range; ENOPROTOOPT: no such option; EPERM, EACCES: it needs
 *   CAP_NET_ADMIN; EDOM; ENODEV
 * @see net/core/sock.c sk_setsockopt()
 */
export function setSockOption(
  task: TaskStruct,
  socket: Socket,
  option: number,
  value: Uint8Array,
): void {
  if (option === SO_BINDTODEVICE) return bindToDevice(value);
  const { options } = socket;
  const number = intOf(value);
  if (option === SO_DEBUG && number !== 0 && !admin(task)) fail(EACCES);
  if (FLAGS.has(option)) return void options.numbers.set(option, Number(number !== 0));
  if (NUMBERS.has(option)) return void options.numbers.set(option, number);
  switch (option) {
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
      if (!admin(task)) fail(EPERM);
      return setBuffer(options, option === SO_SNDBUFFORCE ? SO_SNDBUF : SO_RCVBUF, number);
    case SO_SNDBUF:
    case SO_RCVBUF:
      return setBuffer(options, option, Math.min(number >>> 0, MAX_BUFFER));
    case SO_PRIORITY:
      if ((number < 0 || number > 6) && !admin(task)) fail(EPERM);
      options.priority = number;
      return;
    case SO_LINGER:
      if (value.length < 8) fail(EINVAL);
      options.linger = number === 0 ? null : Math.max(intOf(value.subarray(4)), 0);
      return;
    case SO_RCVLOWAT:
      options.rcvlowat = number < 0 ? 0x7fffffff : number || 1;
      return;
    case SO_RCVTIMEO:
    case SO_RCVTIMEO_NEW:
      options.rcvtimeo = timeOf(value);
      return;
    case SO_SNDTIMEO:
    case SO_SNDTIMEO_NEW:
      options.sndtimeo = timeOf(value);
      return;
    case SO_MARK:
      if (!admin(task)) fail(EPERM);
      options.mark = number;
      return;
    case SO_ATTACH_FILTER:
      return fail(EINVAL);
    case SO_DETACH_FILTER:
      return fail(ENOENT);
    case SO_BSDCOMPAT:
      return;
    default:
      fail(ENOPROTOOPT);
  }
}

/** Twice what was asked for, for what the kernel keeps beside the bytes. */
function setBuffer(options: SockOptions, option: number, size: number): void {
  if (option === SO_SNDBUF) options.sndbuf = Math.max(size * 2, MIN_SNDBUF);
  else options.rcvbuf = Math.max(size * 2, MIN_RCVBUF);
}

/** The only device there is, or none. */
function bindToDevice(value: Uint8Array): void {
  const nul = value.indexOf(0);
  const name = String.fromCharCode(...value.subarray(0, nul < 0 ? value.length : nul));
  if (name !== '' && name !== 'lo') fail(ENODEV);
}
