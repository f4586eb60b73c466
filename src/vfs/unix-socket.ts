import {
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EINVAL,
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  ERESTARTSYS,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Cred } from '../kernel/cred.js';
import type { File } from './file.js';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRNORM } from './flags.js';

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_SEQPACKET = 5;

/** Bytes that may wait for a reader: net.core.wmem_default. */
export const SNDBUF = 212992;
/** Datagrams that may wait: net.unix.max_dgram_qlen. */
const MAX_DATAGRAMS = 10;

const RCV_SHUTDOWN = 1;
const SEND_SHUTDOWN = 2;

/** What was sent at a time. */
export interface Message {
  bytes: Uint8Array;
  /** The sender's address; empty without one. */
  readonly from: string;
  /** Open files that travel with it. */
  files: File[];
}

/** Who the other end was when the connection was made (SO_PEERCRED). */
export interface PeerCred {
  readonly pid: number;
  readonly cred: Readonly<Cred>;
}

/** Sockets of AF_UNIX that find each other by a path, an abstract name, or were made as a pair. */
export class UnixSocket {
  /** SOCK_*. */
  readonly type: number;
  readonly maker: PeerCred;
  peer: UnixSocket | null = null;
  peerCred: PeerCred | null = null;
  /** The other end has been closed. */
  peerGone = false;
  /** It was closed before it had read all. */
  reset = false;
  /** Its address as it is shown: a path, or a NUL and an abstract name; null: none. */
  name: string | null = null;
  /** What has come and waits to be read. */
  readonly queue: Message[] = [];
  /** Messages that have come so far. */
  arrivals = 0;
  /** Connections that wait to be accepted; null: it does not listen. */
  backlog: UnixSocket[] | null = null;
  backlogMax = 0;
  private shut = 0;
  closed = false;

  constructor(type: number, maker: PeerCred) {
    this.type = type;
    this.maker = maker;
  }

  get connects(): boolean {
    return this.type !== SOCK_DGRAM;
  }

  /** Bytes that wait to be read. */
  get queued(): number {
    return this.queue.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** Joins two sockets. */
  join(other: UnixSocket): void {
    this.peer = other;
    other.peer = this;
    this.peerCred = other.maker;
    other.peerCred = this.maker;
  }

  /**
   * Sends: what fits of a stream, a datagram whole.
   * @throws {LinuxError} EPIPE; ENOTCONN; ECONNREFUSED: a datagram to what was closed; EMSGSIZE; EAGAIN,
   *   ERESTARTSYS: the receiver's queue is full
   * @see net/unix/af_unix.c unix_stream_sendmsg(), unix_dgram_sendmsg()
   */
  send(bytes: Uint8Array, files: File[], to: UnixSocket | null, nonblock: boolean): number {
    if ((this.shut & SEND_SHUTDOWN) !== 0) fail(EPIPE);
    const target = to ?? this.peer;
    if (target === null) fail(this.peerGone && this.connects ? EPIPE : ENOTCONN);
    if (target.closed) {
      if (this.peer === target) this.peer = null;
      fail(this.connects ? EPIPE : ECONNREFUSED);
    }
    if ((target.shut & RCV_SHUTDOWN) !== 0) fail(EPIPE);
    const stream = this.type === SOCK_STREAM;
    if (!stream && bytes.length > SNDBUF - 32) fail(EMSGSIZE);
    const room = target.roomFor(stream ? 1 : bytes.length);
    if (room === 0 && !(stream && bytes.length === 0)) fail(nonblock ? EAGAIN : ERESTARTSYS);
    const sent = stream ? bytes.slice(0, room) : bytes;
    if (sent.length > 0 || !stream) target.push({ bytes: sent, from: this.name ?? '', files });
    return sent.length;
  }

  /** Bytes of a stream there is room for, or 1 for a datagram that fits. */
  private roomFor(least: number): number {
    if (this.type === SOCK_STREAM) return Math.max(SNDBUF - this.queued, 0);
    const full = this.type === SOCK_DGRAM && this.queue.length > MAX_DATAGRAMS;
    return full || this.queued + least > SNDBUF ? 0 : 1;
  }

  private push(message: Message): void {
    this.arrivals += 1;
    const last = this.queue.at(-1);
    const joins = this.type === SOCK_STREAM && last !== undefined && message.files.length === 0;
    if (!joins || last.bytes.length + message.bytes.length > 65536) {
      this.queue.push(message);
      return;
    }
    const bytes = new Uint8Array(last.bytes.length + message.bytes.length);
    bytes.set(last.bytes);
    bytes.set(message.bytes, last.bytes.length);
    last.bytes = bytes;
  }

  /**
   * The message to read next; null at the end.
   * @throws {LinuxError} EINVAL: a stream that is not connected; ENOTCONN: a sequence; ECONNRESET: the other
   *   end went without reading all; EAGAIN, ERESTARTSYS: nothing is there
   * @see net/unix/af_unix.c unix_stream_read_generic(), __unix_dgram_recvmsg()
   */
  next(nonblock: boolean): Message | null {
    if (this.connects && this.peer === null && !this.peerGone) {
      fail(this.type === SOCK_STREAM ? EINVAL : ENOTCONN);
    }
    const first = this.queue[0];
    if (first !== undefined) return first;
    if (this.reset) {
      this.reset = false;
      fail(ECONNRESET);
    }
    if ((this.shut & RCV_SHUTDOWN) !== 0 || (this.connects && this.ended)) return null;
    return fail(nonblock ? EAGAIN : ERESTARTSYS);
  }

  private get ended(): boolean {
    return this.peerGone || ((this.peer?.shut ?? 0) & SEND_SHUTDOWN) !== 0;
  }

  /** Takes `count` bytes of the first message; of a datagram all. */
  drop(count: number): void {
    const first = this.queue[0];
    if (first === undefined) return;
    first.files = [];
    if (this.type !== SOCK_STREAM || count >= first.bytes.length) this.queue.shift();
    else first.bytes = first.bytes.subarray(count);
  }

  /**
   * shutdown: 0 reading, 1 writing, 2 both.
   * @throws {LinuxError} EINVAL: another way
   * @see net/unix/af_unix.c unix_shutdown()
   */
  shutdown(how: number): void {
    if (how < 0 || how > 2) fail(EINVAL);
    const bits = how + 1;
    this.shut |= bits;
    if (!this.connects || this.peer === null) return;
    const swapped = ((bits & RCV_SHUTDOWN) << 1) | ((bits & SEND_SHUTDOWN) >> 1);
    this.peer.shut |= swapped;
  }

  /**
   * Begins to wait for connections.
   * @throws {LinuxError} EOPNOTSUPP: datagrams; EINVAL: without an address, or connected
   * @see net/unix/af_unix.c unix_listen()
   */
  listen(backlog: number): void {
    if (!this.connects) fail(EOPNOTSUPP);
    if (this.name === null || this.peer !== null) fail(EINVAL);
    this.backlog ??= [];
    this.backlogMax = Math.min(Math.max(backlog, 0), 4096);
  }

  /** POLL* bits as of now (unix_poll(), unix_dgram_poll()). */
  poll(): number {
    let mask = 0;
    const both = RCV_SHUTDOWN | SEND_SHUTDOWN;
    const idle = this.connects && this.peer === null && this.backlog === null;
    if (this.reset) mask |= POLLERR;
    if ((this.shut & both) === both || idle) mask |= POLLHUP;
    const ends = (this.shut & RCV_SHUTDOWN) !== 0 || (this.connects && this.ended);
    if (ends) mask |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (this.queue.length > 0 || (this.backlog?.length ?? 0) > 0) mask |= POLLIN | POLLRDNORM;
    const room = this.peer === null || this.peer.queued * 4 <= SNDBUF;
    if (room && this.backlog === null) mask |= POLLOUT | POLLWRNORM;
    return mask;
  }

  /** The last descriptor has gone. */
  close(): void {
    this.closed = true;
    const { peer } = this;
    if (peer !== null && this.connects) {
      peer.peerGone = true;
      peer.reset = this.queue.length > 0;
      peer.shut = RCV_SHUTDOWN | SEND_SHUTDOWN;
      peer.peer = null;
    }
    for (const waiting of this.backlog ?? []) waiting.close();
    for (const { files } of this.queue.splice(0)) for (const file of files) file.put();
    this.peer = null;
  }
}
