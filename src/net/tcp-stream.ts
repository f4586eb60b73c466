import {
  EAGAIN,
  ECONNREFUSED,
  ECONNRESET,
  EINVAL,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { ByteQueue } from '../vfs/byte-queue.js';
import { InetSocket } from './inet-socket.js';
import { type Incoming, MSG_OOB, MSG_PEEK, type Outgoing } from './message.js';
import type { PortTable } from './ports.js';
import { rcvbufOf, sndbufOf } from './sock-options.js';
import { RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK } from './socket.js';
import * as state from './tcp-states.js';
import { TimeWait } from './time-wait.js';

const MSG_FASTOPEN = 0x20000000;
/** SO_SNDBUF and SO_RCVBUF of a new one (net.ipv4.tcp_wmem, tcp_rmem), and of a connection over lo. */
const NEW_BUFFERS = { send: 16384, receive: 131072 };
const CONNECTED_BUFFERS = { send: 2626560, receive: 131072 };
/** net.ipv4.tcp_fin_timeout. */
const FIN_TIMEOUT_MS = 60_000;
/** Bytes of the headers of a segment, for the counts of lo. */
export const HEADER_BYTES = 52;

/**
 * The two queues of a stream and how it ends (struct tcp_sock). Segments arrive as they are sent, and none is lost:
 * only the other end's window delays them.
 */
export abstract class TcpStream extends InetSocket {
  /** TCP_*. */
  state: number = state.TCP_CLOSE;
  peer: TcpStream | null = null;
  readonly received = new ByteQueue();
  /** What the other end has no window for. */
  readonly unsent = new ByteQueue();
  /** The end of the stream follows what is not sent yet. */
  finPending = false;
  /** The other end's has come (SOCK_DONE). */
  finReceived = false;
  /** A read has come to it. */
  finRead = false;
  /** Bytes sent, and bytes read, since the beginning. */
  sentBytes = 0;
  readBytes = 0;
  /** Where in the stream that comes in the urgent byte is; -1: none. */
  urgentAt = -1;
  urgentRead = false;
  wasConnected = false;

  get ports(): PortTable {
    return this.net.tcp;
  }

  get isConnected(): boolean {
    return this.state !== state.TCP_CLOSE && this.state !== state.TCP_SYN_SENT;
  }

  override get defaultBuffers(): { readonly send: number; readonly receive: number } {
    return this.wasConnected ? CONNECTED_BUFFERS : NEW_BUFFERS;
  }

  /** Whether it can be written to. */
  get open(): boolean {
    return this.state === state.TCP_ESTABLISHED || this.state === state.TCP_CLOSE_WAIT;
  }

  protected establish(peer: TcpStream): void {
    this.peer = peer;
    this.state = state.TCP_ESTABLISHED;
    this.wasConnected = true;
    this.arrivals += 1;
  }

  /**
   * @throws {LinuxError} EPIPE: not connected, or shut; EAGAIN: no room, or not connected yet; what the other end
   *   has done to it
   * @see net/ipv4/tcp.c tcp_sendmsg_locked()
   */
  send(_task: TaskStruct, bytes: Uint8Array, { flags }: Outgoing): number {
    if ((flags & MSG_FASTOPEN) !== 0) fail(EOPNOTSUPP);
    this.failPending();
    if (this.state === state.TCP_SYN_SENT) fail(EAGAIN);
    if (!this.open || (this.shut & SEND_SHUTDOWN) !== 0) fail(EPIPE);
    const room = sndbufOf(this) - this.unsent.length;
    if (room <= 0 && bytes.length > 0) fail(EAGAIN);
    const sent = bytes.subarray(0, room);
    this.sentBytes += sent.length;
    if ((flags & MSG_OOB) !== 0 && sent.length > 0) this.peer?.receiveUrgent(this.sentBytes - 1);
    const direct = this.unsent.length === 0 ? this.deliver(sent) : 0;
    if (this.open) this.unsent.push(sent.subarray(direct));
    return sent.length;
  }

  /** Gives the other end what it has a window for. */
  private deliver(bytes: Uint8Array): number {
    const { peer } = this;
    if (peer === null) return 0;
    const part = bytes.subarray(0, peer.window);
    if (part.length === 0) return 0;
    this.net.count(part.length + HEADER_BYTES);
    peer.receiveData(part);
    return part.length;
  }

  /** Bytes the other end may send: half of the buffer, the rest is for what is kept beside them. */
  private get window(): number {
    return Math.max((rcvbufOf(this) >> 1) - this.received.length, 0);
  }

  /** Sends what waited for a window, and the end behind it. */
  protected transmit(): void {
    while (this.unsent.length > 0) {
      const sent = this.deliver(this.unsent.peek(0, Infinity));
      if (sent === 0) return;
      this.unsent.drop(sent);
    }
    if (!this.finPending) return;
    this.finPending = false;
    this.net.count(HEADER_BYTES);
    this.peer?.receiveFin();
    // Its acknowledgement.
    if (this.state === state.TCP_FIN_WAIT1) {
      this.state = state.TCP_FIN_WAIT2;
      this.orphan();
    }
    if (this.state === state.TCP_CLOSING) this.linger();
    else if (this.state === state.TCP_LAST_ACK) this.finish();
  }

  /** Closed, and only the other end's close is missing: it is not waited for longer than net.ipv4.tcp_fin_timeout. */
  protected orphan(): void {
    if (!this.closed || this.state !== state.TCP_FIN_WAIT2) return;
    this.until = this.kernel.time() + FIN_TIMEOUT_MS;
    this.ports.expires(this.until);
  }

  /** Data for somebody who no longer reads is answered with a reset (tcp_rcv_state_process()). */
  protected receiveData(bytes: Uint8Array): void {
    if ((this.shut & RCV_SHUTDOWN) !== 0 && this.state !== state.TCP_ESTABLISHED) {
      this.reset();
      return;
    }
    this.received.push(bytes);
    this.arrivals += 1;
  }

  protected receiveUrgent(at: number): void {
    this.urgentAt = at;
    this.urgentRead = false;
    this.arrivals += 1;
  }

  /** @see net/ipv4/tcp_input.c tcp_fin() */
  protected receiveFin(): void {
    this.shut |= RCV_SHUTDOWN;
    this.finReceived = true;
    this.arrivals += 1;
    if (this.state === state.TCP_ESTABLISHED) this.state = state.TCP_CLOSE_WAIT;
    else if (this.state === state.TCP_FIN_WAIT1) this.state = state.TCP_CLOSING;
    else if (this.state === state.TCP_FIN_WAIT2) this.linger();
  }

  /** @see net/ipv4/tcp_input.c tcp_reset() */
  receiveReset(): void {
    if (this.state === state.TCP_CLOSE) return;
    if (this.state === state.TCP_SYN_SENT) this.error = ECONNREFUSED;
    else this.error = this.state === state.TCP_CLOSE_WAIT ? EPIPE : ECONNRESET;
    this.finish();
  }

  /** Breaks the connection off. */
  protected reset(): void {
    const { peer } = this;
    this.finish();
    this.net.count(HEADER_BYTES);
    peer?.receiveReset();
  }

  /** The connection is over (tcp_done()). */
  protected finish(): void {
    this.state = state.TCP_CLOSE;
    this.shut = SHUTDOWN_MASK;
    this.unsent.clear();
    this.finPending = false;
    this.peer = null;
    this.arrivals += 1;
    if (!this.boundPort || this.closed) this.unhash();
  }

  /** Over on both sides, this one first: its addresses stay taken for a while (tcp_time_wait()). */
  protected linger(): void {
    const { ports, kernel } = this;
    const wait = new TimeWait(this, kernel.time());
    this.finish();
    ports.add(wait);
  }

  next(room: number, flags: number, skip: number): Incoming | null {
    if (this.state === state.TCP_LISTEN) fail(ENOTCONN);
    if ((flags & MSG_OOB) !== 0) return this.nextUrgent(flags);
    const at = this.readBytes + skip;
    if (this.urgentAt === at && this.received.length > skip) this.passUrgent(skip);
    const before = this.urgentAt > at ? this.urgentAt - at : Infinity;
    const bytes = this.received.peek(skip, Math.min(room, before));
    if (bytes.length > 0 || (room === 0 && this.received.length > skip)) {
      return incoming(bytes, bytes.length === before ? { last: true } : {});
    }
    if (this.finReceived) {
      this.finRead = true;
      return null;
    }
    this.failPending();
    if ((this.shut & RCV_SHUTDOWN) !== 0) return null;
    return fail(this.state === state.TCP_CLOSE ? ENOTCONN : EAGAIN);
  }

  override holds(skip: number): boolean {
    return this.received.length > skip;
  }

  /** A read that comes to the urgent byte goes on behind it. */
  protected passUrgent(skip: number): void {
    if (skip === 0 && !this.options.oobInline) this.drop(1);
    this.urgentAt = -1;
  }

  /** @see net/ipv4/tcp.c tcp_recv_urg() */
  protected nextUrgent(flags: number): Incoming | null {
    if (this.options.oobInline || this.urgentAt < 0 || this.urgentRead) fail(EINVAL);
    if (this.state === state.TCP_CLOSE && !this.finReceived) fail(ENOTCONN);
    const bytes = this.received.peek(this.urgentAt - this.readBytes, 1);
    if (bytes.length === 0) return (this.shut & RCV_SHUTDOWN) !== 0 ? null : fail(EAGAIN);
    if ((flags & MSG_PEEK) === 0) this.urgentRead = true;
    return incoming(bytes, { last: true, flags: MSG_OOB });
  }

  drop(count: number): void {
    this.received.drop(count);
    this.readBytes += count;
    this.peer?.transmit();
  }

  protected sendFin(): void {
    if (this.state === state.TCP_ESTABLISHED) this.state = state.TCP_FIN_WAIT1;
    else if (this.state === state.TCP_CLOSE_WAIT) this.state = state.TCP_LAST_ACK;
    else return;
    this.finPending = true;
    this.transmit();
  }
}

function incoming(
  bytes: Uint8Array,
  more: { readonly last?: true; readonly flags?: number },
): Incoming {
  return { bytes, whole: bytes.length, address: null, files: [], control: [], flags: 0, ...more };
}
