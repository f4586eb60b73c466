import { ENOPROTOOPT, ENOTTY, EOPNOTSUPP } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { File } from '../vfs/file.js';
import type { U64 } from '../vfs/u64.js';
import type { Incoming, Outgoing } from './message.js';
import { SockOptions } from './sock-options.js';

export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_SEQPACKET = 5;

export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;
export const SHUTDOWN_MASK = RCV_SHUTDOWN | SEND_SHUTDOWN;

/**
 * A socket of any family: what its descriptor and its protocol have (struct socket, sock and proto_ops). No
 * method waits: what would is answered EAGAIN, and socket-io.ts waits where the caller is to.
 */
export abstract class Socket {
  readonly family: number;
  /** SOCK_*. */
  readonly type: number;
  readonly protocol: number;
  /** What SOL_SOCKET sets. */
  readonly options = new SockOptions();
  /** An errno that the next call is to tell (sk_err); 0 for none. */
  error = 0;
  /** *_SHUTDOWN of both directions (sk_shutdown). */
  shut = 0;
  /** Its last descriptor has gone (SOCK_DEAD). */
  closed = false;
  /** How often something to read has come. */
  arrivals = 0;
  /** Of its inode: number and owner, 0 before it has one. */
  ino = 0;
  uid = 0;

  constructor(family: number, type: number, protocol: number) {
    this.family = family;
    this.type = type;
    this.protocol = protocol;
  }

  /** Whether bounds of what was sent are lost. */
  get isStream(): boolean {
    return this.type === SOCK_STREAM;
  }

  /** Takes the pending error. */
  takeError(): number {
    const { error } = this;
    this.error = 0;
    return error;
  }

  /** Fails with the pending error, if there is one (sock_error()). */
  failPending(): void {
    if (this.error !== 0) fail(this.takeError());
  }

  /** Whether it waits for connections (SO_ACCEPTCONN). */
  get listens(): boolean {
    return false;
  }

  /**
   * Shuts what `how` says: 0 reading, 1 writing, 2 both.
   * @throws {LinuxError} EINVAL; EOPNOTSUPP; ENOTCONN
   */
  shutdown(_how: number): void {
    fail(EOPNOTSUPP);
  }

  /** @throws {LinuxError} EOPNOTSUPP; EINVAL; EADDRINUSE */
  listen(_task: TaskStruct, _backlog: number): void {
    fail(EOPNOTSUPP);
  }

  /** The connection that has waited longest. @throws {LinuxError} EOPNOTSUPP; EINVAL; EAGAIN: none waits */
  accept(): Socket {
    return fail(EOPNOTSUPP);
  }

  /** Who connected, of a connection that was just accepted. */
  acceptedFrom(): Uint8Array {
    return this.address(true);
  }

  /** The other one of a pair. @throws {LinuxError} EOPNOTSUPP */
  pairWith(_other: Socket): void {
    fail(EOPNOTSUPP);
  }

  /** An option of another level than SOL_SOCKET. @throws {LinuxError} ENOPROTOOPT */
  getOption(_level: number, _option: number): Uint8Array {
    return fail(this.family === AF_UNIX ? EOPNOTSUPP : ENOPROTOOPT);
  }

  /** @throws {LinuxError} ENOPROTOOPT; EINVAL; EPERM */
  setOption(_task: TaskStruct, _level: number, _option: number, _value: Uint8Array): void {
    fail(this.family === AF_UNIX ? EOPNOTSUPP : ENOPROTOOPT);
  }

  /** What of SOL_SOCKET only this kind has; undefined: see SockOptions. */
  ownOption(_task: TaskStruct, _option: number): Uint8Array | undefined {
    return undefined;
  }

  /** How many bytes one side of it holds (SO_SNDBUF, SO_RCVBUF) when nobody has said. */
  get defaultBuffers(): { readonly send: number; readonly receive: number } {
    return { send: 212992, receive: 212992 };
  }

  /** @throws {LinuxError} ENOTTY */
  ioctl(_task: TaskStruct, _file: File, _cmd: number, _arg: U64): number {
    return fail(ENOTTY);
  }

  /** @param address a struct sockaddr of its family, as it was given */
  abstract bind(task: TaskStruct, address: Uint8Array): void;

  /**
   * Connects; made again while it takes longer.
   * @throws {LinuxError} EAGAIN, EINPROGRESS, EALREADY: it takes longer; what the family says
   */
  abstract connect(task: TaskStruct, address: Uint8Array, nonblock: boolean): void;

  /** Its own address, or the other end's. @throws {LinuxError} ENOTCONN */
  abstract address(peer: boolean): Uint8Array;

  /**
   * Sends: what fits of a stream, anything else whole.
   * @throws {LinuxError} EAGAIN: nothing fits; EPIPE; and more
   */
  abstract send(task: TaskStruct, bytes: Uint8Array, how: Outgoing): number;

  /**
   * What is to be read next, at most `room` bytes of it; null at the end. It stays until drop().
   * @param skip bytes of a stream to pass over, for who only looks (MSG_PEEK)
   * @throws {LinuxError} EAGAIN: nothing is there; and more
   */
  abstract next(room: number, flags: number, skip: number): Incoming | null;

  /** Whether a stream has something to read behind `skip` bytes. */
  holds(_skip: number): boolean {
    return false;
  }

  /** Takes what next() gave: `count` bytes of a stream, else all of it. */
  abstract drop(count: number): void;

  /** POLL* bits as of now. */
  abstract poll(): number;

  /** The last descriptor has gone. */
  abstract release(): void;
}
