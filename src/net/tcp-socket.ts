import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Kernel } from '../kernel/kernel.js';
import type { TaskStruct } from '../kernel/task.js';
import type { File } from '../vfs/file.js';
import type { U64 } from '../vfs/u64.js';
import { checkScope, familyOf, isBroadcast, parseEndpoint, route } from './inet-address.js';
import { AF_UNSPEC, SEND_SHUTDOWN, SHUTDOWN_MASK, RCV_SHUTDOWN, SOCK_STREAM } from './socket.js';
import { tcpIoctl } from './tcp-ioctl.js';
import { findListener } from './tcp-lookup.js';
import { getTcpOption, setTcpOption, SOL_TCP } from './tcp-options.js';
import { tcpPoll } from './tcp-poll.js';
import * as state from './tcp-states.js';
import { HEADER_BYTES, TcpStream } from './tcp-stream.js';

export const IPPROTO_TCP = 6;
/** How far the socket is, beside its protocol (enum socket_state). */
type Connecting = 'unconnected' | 'connecting' | 'connected';

/**
 * A socket of a stream of IPv4 or IPv6 to another one of the machine: how it begins, listens and is closed.
 */
export class TcpSocket extends TcpStream {
  connecting: Connecting = 'unconnected';
  /** Connections to accept, and those that find no room among them; null: it does not listen. */
  backlog: TcpSocket[] | null = null;
  waiting: TcpSocket[] = [];
  backlogMax = 0;
  /** Options of IPPROTO_TCP that are kept, by TCP_*. */
  readonly tcpOptions = new Map<number, number>();
  congestion = 'cubic';

  constructor(kernel: Kernel, family: number) {
    super(kernel, family, SOCK_STREAM, IPPROTO_TCP);
  }

  override get listens(): boolean {
    return this.state === state.TCP_LISTEN;
  }

  protected override get mayBind(): boolean {
    return this.state === state.TCP_CLOSE;
  }

  /**
   * @throws {LinuxError} EISCONN; EALREADY, EINPROGRESS: it takes longer; ECONNREFUSED; ECONNABORTED;
   *   ENETUNREACH; EINVAL; EAFNOSUPPORT; EADDRNOTAVAIL
   * @see net/ipv4/af_inet.c __inet_stream_connect()
   */
  connect(_task: TaskStruct, address: Uint8Array, nonblock: boolean): void {
    if (address.length < 2) fail(EINVAL);
    if (familyOf(address) === AF_UNSPEC) return this.disconnect();
    if (this.connecting === 'connected') fail(EISCONN);
    let wait = EALREADY;
    if (this.connecting === 'unconnected') {
      if (this.state !== state.TCP_CLOSE) fail(EISCONN);
      this.begin(address);
      wait = EINPROGRESS;
      // The answer comes when the call has let go of the socket.
      if (nonblock) fail(wait);
    }
    if (this.state === state.TCP_SYN_SENT) fail(wait);
    if (this.state !== state.TCP_CLOSE) {
      this.connecting = 'connected';
      return;
    }
    const error = this.takeError() || ECONNABORTED;
    this.disconnect();
    fail(error);
  }

  /** @see net/ipv4/tcp_ipv4.c tcp_v4_connect(), net/ipv6/tcp_ipv6.c tcp_v6_connect() */
  private begin(address: Uint8Array): void {
    const wanted = parseEndpoint(this.family, address);
    this.checkFamily(wanted.addr);
    checkScope(address, wanted.addr, false);
    if (isBroadcast(wanted.addr)) fail(ENETUNREACH);
    const { to, from } = route(wanted.addr);
    this.autobind(0, EADDRNOTAVAIL);
    if (this.local.addr === this.anyAddress) this.setAddress(from);
    this.remote = { addr: to, port: wanted.port };
    this.connecting = 'connecting';
    this.state = state.TCP_SYN_SENT;
    this.net.count(HEADER_BYTES + 8);
    const listener = findListener(this.ports, this.remote, this.local);
    if (listener !== null) listener.receiveSyn(this);
    else if (this.local.addr === to && this.local.port === wanted.port) this.establish(this);
    else this.receiveReset();
  }

  /** Somebody connects to it: it waits while too many are to be accepted (tcp_conn_request()). */
  private receiveSyn(client: TcpSocket): void {
    const backlog = this.backlog ?? fail(EINVAL);
    if (backlog.length > this.backlogMax) {
      this.waiting.push(client);
      return;
    }
    const child = new TcpSocket(this.kernel, this.family);
    child.local = client.remote;
    child.remote = client.local;
    child.uid = this.uid;
    child.options.inherit(this.options);
    child.inet.inherit(this.inet);
    for (const [option, value] of this.tcpOptions) child.tcpOptions.set(option, value);
    child.congestion = this.congestion;
    child.connecting = 'connected';
    child.hash();
    child.establish(client);
    client.establish(child);
    backlog.push(child);
    this.arrivals += 1;
  }

  /** @see net/ipv4/inet_connection_sock.c inet_csk_accept() */
  override accept(): TcpSocket {
    if (this.backlog === null) fail(EINVAL);
    const accepted = this.backlog.shift() ?? fail(EAGAIN);
    const next = this.waiting.shift();
    if (next !== undefined) this.receiveSyn(next);
    return accepted;
  }

  /**
   * @throws {LinuxError} EINVAL: connected, or about to be; EADDRINUSE: somebody listens there
   * @see net/ipv4/af_inet.c __inet_listen_sk()
   */
  override listen(_task: TaskStruct, backlog: number): void {
    const fresh = this.connecting === 'unconnected' && this.state === state.TCP_CLOSE;
    if (!this.listens && !fresh) fail(EINVAL);
    this.backlogMax = backlog;
    if (this.listens) return;
    this.autobind(1, EADDRINUSE);
    this.state = state.TCP_LISTEN;
    if (this.ports.conflicts(this, this.local.port)) {
      this.state = state.TCP_CLOSE;
      fail(EADDRINUSE);
    }
    this.backlog = [];
  }

  /**
   * @throws {LinuxError} EINVAL: another way; ENOTCONN: though it is shut all the same
   * @see net/ipv4/af_inet.c inet_shutdown()
   */
  override shutdown(how: number): void {
    if (how < 0 || how > 2) fail(EINVAL);
    const bits = how + 1;
    if (this.listens) {
      if ((bits & RCV_SHUTDOWN) !== 0) this.disconnect();
      return;
    }
    if (this.state === state.TCP_SYN_SENT) return this.disconnect();
    if (this.connecting === 'connecting' && this.state !== state.TCP_CLOSE) {
      this.connecting = 'connected';
    }
    this.shut |= bits;
    this.arrivals += 1;
    if (this.state === state.TCP_CLOSE) fail(ENOTCONN);
    if ((bits & SEND_SHUTDOWN) !== 0) this.sendFin();
  }

  /** @see net/ipv4/tcp.c tcp_disconnect() */
  private disconnect(): void {
    let error = 0;
    if (this.listens) this.stopListening();
    else if (this.state !== state.TCP_CLOSE) error = ECONNRESET;
    this.leaveQueue();
    if (this.peer !== null) this.reset();
    this.finish();
    this.received.clear();
    Object.assign(this, { readBytes: 0, sentBytes: 0, urgentAt: -1, finReceived: false });
    this.error = error;
    this.shut = 0;
    this.connecting = 'unconnected';
    this.forgetPeer();
  }

  private leaveQueue(): void {
    if (this.state !== state.TCP_SYN_SENT) return;
    const listener = findListener(this.ports, this.remote, this.local);
    if (listener !== null) listener.waiting = listener.waiting.filter((each) => each !== this);
  }

  /** Who waits to be accepted is broken off (inet_csk_listen_stop()). */
  private stopListening(): void {
    const { backlog, waiting } = this;
    this.backlog = null;
    this.waiting = [];
    this.state = state.TCP_CLOSE;
    for (const child of backlog ?? []) {
      child.closed = true;
      child.reset();
    }
    for (const client of waiting) client.receiveReset();
  }

  poll(): number {
    return tcpPoll(this);
  }

  override ioctl(task: TaskStruct, _file: File, cmd: number, arg: U64): number {
    return tcpIoctl(task, this, cmd, arg);
  }

  override getOption(level: number, option: number): Uint8Array {
    return level === SOL_TCP ? getTcpOption(this, option) : super.getOption(level, option);
  }

  override setOption(task: TaskStruct, level: number, option: number, value: Uint8Array): void {
    if (level === SOL_TCP) setTcpOption(this, option, value);
    else super.setOption(task, level, option, value);
  }

  /** @see net/ipv4/tcp.c __tcp_close() */
  release(): void {
    this.shut = SHUTDOWN_MASK;
    if (this.listens) this.stopListening();
    const unread = this.received.length > 0;
    this.received.clear();
    this.leaveQueue();
    if (this.state === state.TCP_SYN_SENT || this.state === state.TCP_CLOSE) this.finish();
    else if (unread || this.options.linger === 0) this.reset();
    else this.sendFin();
    this.orphan();
  }
}
