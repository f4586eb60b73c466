import {
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EINVAL,
  EISCONN,
  EMSGSIZE,
  ENOTCONN,
  ENOTTY,
  EOPNOTSUPP,
  EPIPE,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Cred } from '../kernel/cred.js';
import type { TaskStruct } from '../kernel/task.js';
import { fromKgidMunged, fromKuidMunged } from '../kernel/userns.js';
import { putUserU32 } from '../mm/user.js';
import type { Mm } from '../mm/mm.js';
import type { File } from '../vfs/file.js';
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
} from '../vfs/flags.js';
import type { U64 } from '../vfs/u64.js';
import { type ControlMessage, type Incoming, MSG_OOB, type Outgoing } from './message.js';
import { netOf } from './net-namespace.js';
import { intBytes, sndbufOf } from './sock-options.js';
import {
  AF_UNIX,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  SHUTDOWN_MASK,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
} from './socket.js';
import { bindName, findSocket, unixAddress, unixName } from './unix-names.js';

/** Datagrams that may wait: net.unix.max_dgram_qlen. */
const MAX_DATAGRAMS = 10;
/** Bytes of a stream that are kept in one piece. */
const JOINED_BYTES = 65536;

const FIONREAD = 0x541b;
const SIOCOUTQ = 0x5411;
const SOL_SOCKET = 1;
const SCM_CREDENTIALS = 2;
const SO_PASSCRED = 16;
const SO_PEERCRED = 17;

/** What was sent at a time. */
interface Message {
  bytes: Uint8Array;
  /** The sender's address; empty without one. */
  readonly from: string;
  /** Open files that travel with it. */
  files: readonly File[];
  readonly sender: PeerCred;
}

/** Who the other end was when the connection was made (SO_PEERCRED), or who sent. */
interface PeerCred {
  readonly pid: number;
  readonly cred: Readonly<Cred>;
}

/** Sockets of AF_UNIX that find each other by a path, an abstract name, or were made as a pair. */
export class UnixSocket extends Socket {
  readonly maker: PeerCred;
  /** All of its kind, with itself among them while it is open. */
  readonly others: Set<UnixSocket>;
  readonly names: Map<string, UnixSocket>;
  peer: UnixSocket | null = null;
  peerCred: PeerCred | null = null;
  /** The other end has been closed. */
  peerGone = false;
  /** Its address as it is shown: a path, or a NUL and an abstract name; null: none. */
  name: string | null = null;
  /** What has come and waits to be read. */
  readonly queue: Message[] = [];
  /** Bytes of it. */
  queued = 0;
  /** Connections that wait to be accepted; null: it does not listen. */
  backlog: UnixSocket[] | null = null;
  backlogMax = 0;

  constructor(task: TaskStruct, type: number, maker: PeerCred = credOf(task)) {
    super(AF_UNIX, type, 0);
    this.maker = maker;
    const { unixSockets, unixNames } = netOf(task.kernel);
    this.others = unixSockets;
    this.names = unixNames;
    unixSockets.add(this);
  }

  get connects(): boolean {
    return this.type !== SOCK_DGRAM;
  }

  override get listens(): boolean {
    return this.backlog !== null;
  }

  override pairWith(other: Socket): void {
    this.join(other as UnixSocket);
  }

  private join(other: UnixSocket): void {
    this.peer = other;
    other.peer = this;
    this.peerCred = other.maker;
    other.peerCred = this.maker;
  }

  bind(task: TaskStruct, address: Uint8Array): void {
    bindName(task, this, unixName(address));
  }

  address(peer: boolean): Uint8Array {
    if (!peer) return unixAddress(this.name ?? '');
    return unixAddress((this.peer ?? fail(ENOTCONN)).name ?? '');
  }

  override acceptedFrom(): Uint8Array {
    return unixAddress(this.peer?.name ?? '');
  }

  /**
   * @throws {LinuxError} as findSocket(); EISCONN; EINVAL: it listens; ECONNREFUSED: nobody listens there;
   *   EAGAIN: too many wait there
   * @see net/unix/af_unix.c unix_stream_connect(), unix_dgram_connect()
   */
  connect(task: TaskStruct, address: Uint8Array): void {
    if (!this.connects && address.length >= 2 && address[0] === 0 && address[1] === 0) {
      this.peer = null;
      return;
    }
    const name = unixName(address);
    if (name === '') fail(EINVAL);
    const other = findSocket(task, name, this.type);
    if (!this.connects) {
      this.peer = other;
      return;
    }
    const { backlog } = other;
    if (backlog === null || (other.shut & RCV_SHUTDOWN) !== 0) fail(ECONNREFUSED);
    if (this.peer !== null) fail(EISCONN);
    if (this.backlog !== null) fail(EINVAL);
    if (backlog.length > other.backlogMax) fail(EAGAIN);
    const accepted = new UnixSocket(task, this.type, other.maker);
    accepted.name = other.name;
    accepted.options.inherit(other.options);
    this.join(accepted);
    backlog.push(accepted);
    other.arrivals += 1;
  }

  /** @see net/unix/af_unix.c unix_accept() */
  override accept(): UnixSocket {
    if (!this.connects) fail(EOPNOTSUPP);
    if (this.backlog === null) fail(EINVAL);
    return this.backlog.shift() ?? fail((this.shut & RCV_SHUTDOWN) !== 0 ? EINVAL : EAGAIN);
  }

  /**
   * Begins to wait for connections.
   * @throws {LinuxError} EOPNOTSUPP: datagrams; EINVAL: without an address, or connected
   * @see net/unix/af_unix.c unix_listen()
   */
  override listen(_task: TaskStruct, backlog: number): void {
    if (!this.connects) fail(EOPNOTSUPP);
    if (this.name === null || this.peer !== null) fail(EINVAL);
    this.backlog ??= [];
    this.backlogMax = backlog;
  }

  /** Where a message goes: to an address, or to the other end. @throws {LinuxError} EOPNOTSUPP; EISCONN; ENOTCONN */
  private target(task: TaskStruct, { address, flags }: Outgoing): UnixSocket {
    if ((flags & MSG_OOB) !== 0) fail(EOPNOTSUPP);
    if (address !== null) {
      const name = unixName(address);
      if (this.connects) fail(this.peer === null ? EOPNOTSUPP : EISCONN);
      return findSocket(task, name, this.type);
    }
    return this.peer ?? fail(this.peerGone && this.connects ? EPIPE : ENOTCONN);
  }

  /**
   * Sends: what fits of a stream, a datagram whole.
   * @throws {LinuxError} EPIPE; ENOTCONN; ECONNREFUSED: a datagram to what was closed; EMSGSIZE; EAGAIN: the
   *   receiver's queue is full
   * @see net/unix/af_unix.c unix_stream_sendmsg(), unix_dgram_sendmsg()
   */
  send(task: TaskStruct, bytes: Uint8Array, how: Outgoing): number {
    if (how.address === null && (this.shut & SEND_SHUTDOWN) !== 0) fail(EPIPE);
    const target = this.target(task, how);
    if (target.closed) {
      if (this.peer === target) this.peer = null;
      fail(this.connects ? EPIPE : ECONNREFUSED);
    }
    if (((target.shut & RCV_SHUTDOWN) | (this.shut & SEND_SHUTDOWN)) !== 0) fail(EPIPE);
    const limit = sndbufOf(this);
    if (!this.isStream && bytes.length > limit - 32) fail(EMSGSIZE);
    const room = target.roomFor(this.isStream ? 1 : bytes.length, limit);
    if (room === 0 && !(this.isStream && bytes.length === 0)) fail(EAGAIN);
    const sent = this.isStream ? bytes.slice(0, room) : bytes;
    if (sent.length > 0 || !this.isStream) {
      for (const travelling of how.files) travelling.get();
      target.push({ bytes: sent, from: this.name ?? '', files: how.files, sender: credOf(task) });
    }
    return sent.length;
  }

  /** Bytes of a stream there is room for, or 1 for a datagram that fits. */
  private roomFor(least: number, limit: number): number {
    if (this.isStream) return Math.max(limit - this.queued, 0);
    const full = this.type === SOCK_DGRAM && this.queue.length > MAX_DATAGRAMS;
    return full || this.queued + least > limit ? 0 : 1;
  }

  private push(message: Message): void {
    this.arrivals += 1;
    this.queued += message.bytes.length;
    const last = this.queue.at(-1);
    const joins =
      this.isStream &&
      last !== undefined &&
      message.files.length === 0 &&
      last.sender.pid === message.sender.pid &&
      last.bytes.length + message.bytes.length <= JOINED_BYTES;
    if (!joins) {
      this.queue.push(message);
      return;
    }
    const bytes = new Uint8Array(last.bytes.length + message.bytes.length);
    bytes.set(last.bytes);
    bytes.set(message.bytes, last.bytes.length);
    last.bytes = bytes;
  }

  /**
   * @throws {LinuxError} EINVAL: a stream that is not connected; ENOTCONN: a sequence; ECONNRESET: the other
   *   end went without reading all; EOPNOTSUPP: MSG_OOB; EAGAIN: nothing is there
   * @see net/unix/af_unix.c unix_stream_read_generic(), __unix_dgram_recvmsg()
   */
  next(room: number, flags: number, skip: number): Incoming | null {
    if ((flags & MSG_OOB) !== 0) fail(this.isStream ? EINVAL : EOPNOTSUPP);
    if (this.connects && this.peer === null && !this.peerGone) {
      fail(this.type === SOCK_STREAM ? EINVAL : ENOTCONN);
    }
    const found = this.messageAt(skip);
    if (found !== null) return this.incoming(found.message, found.at, room);
    this.failPending();
    if ((this.shut & RCV_SHUTDOWN) !== 0 || (this.connects && this.ended)) return null;
    return fail(EAGAIN);
  }

  override holds(skip: number): boolean {
    return this.messageAt(skip) !== null;
  }

  private messageAt(skip: number): { message: Message; at: number } | null {
    let at = skip;
    for (const message of this.queue) {
      if (at < message.bytes.length || at === 0) return { message, at };
      at -= message.bytes.length;
    }
    return null;
  }

  private incoming({ bytes, from, files, sender }: Message, at: number, room: number): Incoming {
    const part = bytes.subarray(at, at + room);
    return {
      bytes: part,
      whole: this.isStream ? part.length : bytes.length,
      address: from === '' ? null : unixAddress(from),
      files,
      control: this.options.has(SO_PASSCRED) ? [credentials(sender)] : [],
      flags: 0,
    };
  }

  private get ended(): boolean {
    return this.peerGone || ((this.peer?.shut ?? 0) & SEND_SHUTDOWN) !== 0;
  }

  drop(count: number): void {
    const first = this.queue[0];
    if (first === undefined) return;
    first.files = [];
    const all = !this.isStream || count >= first.bytes.length;
    this.queued -= all ? first.bytes.length : count;
    if (all) this.queue.shift();
    else first.bytes = first.bytes.subarray(count);
  }

  /** @see net/unix/af_unix.c unix_shutdown() */
  override shutdown(how: number): void {
    if (how < 0 || how > 2) fail(EINVAL);
    const bits = how + 1;
    this.shut |= bits;
    if (!this.connects || this.peer === null) return;
    const swapped = ((bits & RCV_SHUTDOWN) << 1) | ((bits & SEND_SHUTDOWN) >> 1);
    this.peer.shut |= swapped;
  }

  /** @see net/unix/af_unix.c unix_poll(), unix_dgram_poll() */
  poll(): number {
    let mask = 0;
    const idle = this.connects && this.peer === null && this.backlog === null;
    if (this.error !== 0) mask |= POLLERR;
    if ((this.shut & SHUTDOWN_MASK) === SHUTDOWN_MASK || idle) mask |= POLLHUP;
    const ends = (this.shut & RCV_SHUTDOWN) !== 0 || (this.connects && this.ended);
    if (ends) mask |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (this.queue.length > 0 || (this.backlog?.length ?? 0) > 0) mask |= POLLIN | POLLRDNORM;
    const room = this.peer === null || this.peer.queued * 4 <= sndbufOf(this);
    if (room && this.backlog === null) mask |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return mask;
  }

  override ownOption(task: TaskStruct, option: number): Uint8Array | undefined {
    if (option !== SO_PEERCRED) return undefined;
    return this.peerCred === null ? intBytes(0, -1, -1) : credWords(task, this.peerCred);
  }

  override ioctl(task: TaskStruct, _file: File, cmd: number, arg: U64): number {
    const first = this.queue[0]?.bytes.length ?? 0;
    const unread = this.isStream ? this.queued : first;
    if (cmd === FIONREAD) putUserU32(task.mm as Mm, arg, unread);
    else if (cmd === SIOCOUTQ) putUserU32(task.mm as Mm, arg, this.peer?.queued ?? 0);
    else fail(ENOTTY);
    return 0;
  }

  release(): void {
    this.closed = true;
    this.others.delete(this);
    if (this.name?.startsWith('\0') === true && this.names.get(this.name) === this) {
      this.names.delete(this.name);
    }
    const { peer } = this;
    if (peer !== null && this.connects) {
      peer.peerGone = true;
      if (this.queue.length > 0 || this.backlog !== null) peer.error = ECONNRESET;
      peer.shut = SHUTDOWN_MASK;
      peer.peer = null;
    }
    for (const waiting of this.backlog ?? []) waiting.reject();
    for (const { files } of this.queue.splice(0)) for (const file of files) file.put();
    this.queued = 0;
    this.peer = null;
  }

  /** Nobody accepts it: who connected finds it reset (unix_release_sock() of what waits). */
  private reject(): void {
    if (this.peer !== null) this.peer.error = ECONNRESET;
    this.release();
  }
}

const credOf = (task: TaskStruct): PeerCred => ({ pid: task.tgid, cred: task.cred });

/** struct ucred, as the reader's user namespace has it. */
function credWords(task: TaskStruct, { pid, cred }: PeerCred): Uint8Array {
  const ns = task.cred.userNs;
  return intBytes(pid, fromKuidMunged(ns, cred.euid) | 0, fromKgidMunged(ns, cred.egid) | 0);
}

/** SCM_CREDENTIALS: real ids of who sent (include/net/scm.h scm_set_cred()). */
function credentials({ pid, cred }: PeerCred): ControlMessage {
  const data = intBytes(pid, cred.uid, cred.gid);
  return { level: SOL_SOCKET, type: SCM_CREDENTIALS, data };
}
