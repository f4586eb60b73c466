import {
  EACCES,
  EAGAIN,
  ECONNREFUSED,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENOTCONN,
  ENOTTY,
  EOPNOTSUPP,
  EPIPE,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { Kernel } from '../kernel/kernel.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Mm } from '../mm/mm.js';
import { putUserU32 } from '../mm/user.js';
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
import {
  checkScope,
  type Endpoint,
  familyOf,
  formatEndpoint,
  isBroadcast,
  isV4,
  parseDestination,
  parseEndpoint,
  route,
} from './inet-address.js';
import { IP_RECVERR } from './inet-options.js';
import { InetSocket } from './inet-socket.js';
import { type Incoming, MSG_ERRQUEUE, MSG_OOB, type Outgoing } from './message.js';
import type { PortTable } from './ports.js';
import { rcvbufOf } from './sock-options.js';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  SHUTDOWN_MASK,
  SOCK_DGRAM,
} from './socket.js';
import { type PacketClass, packetClass, receivedControl } from './udp-control.js';
import { findReceivers } from './udp-lookup.js';

export const IPPROTO_UDP = 17;
const FIONREAD = 0x541b;
const SIOCOUTQ = 0x5411;
/** Bytes of a datagram at most: those of a packet, without the headers. */
const MAX_BYTES = { v4: 65507, v6: 65527 };
const HEADER_BYTES = 28;
const IPV6_RECVERR = 25;

interface Datagram extends PacketClass {
  readonly bytes: Uint8Array;
  readonly from: Endpoint;
  readonly to: Endpoint;
}

/**
 * What the kernel charges for a datagram that waits (skb->truesize): a buffer of one of several sizes that holds it,
 * its headers and struct skb_shared_info, and struct sk_buff; of a large one the bytes are beside a small buffer.
 */
function truesize(length: number): number {
  const [sharedInfo, headers, skBuff, small, most] = [320, 59, 256, 576, 16384];
  const needed = length + headers + sharedInfo;
  if (needed <= small) return small + skBuff;
  if (needed > most) return length + small + skBuff;
  let size = 1024;
  while (size < needed) size *= 2;
  return size + skBuff;
}

/** A socket of datagrams of IPv4 or IPv6 (net/ipv4/udp.c, net/ipv6/udp.c). */
export class UdpSocket extends InetSocket {
  readonly queue: Datagram[] = [];
  /** What those that wait are charged with. */
  charged = 0;
  /** Datagrams that found no room. */
  drops = 0;

  constructor(kernel: Kernel, family: number) {
    super(kernel, family, SOCK_DGRAM, IPPROTO_UDP);
  }

  get ports(): PortTable {
    return this.net.udp;
  }

  get isConnected(): boolean {
    return this.remote.port !== 0;
  }

  /** @see net/ipv4/datagram.c __ip4_datagram_connect(), net/ipv6/datagram.c */
  connect(_task: TaskStruct, address: Uint8Array): void {
    if (address.length < 2) fail(EINVAL);
    if (familyOf(address) === AF_UNSPEC) return this.disconnect();
    const v4 = this.family === AF_INET6 && familyOf(address) === AF_INET;
    const wanted = parseEndpoint(v4 ? AF_INET : this.family, address);
    this.autobind(1, EAGAIN);
    this.checkFamily(wanted.addr);
    checkScope(address, wanted.addr, true);
    const { to, from } = this.reach(wanted);
    if (!this.boundAddress) this.setAddress(from);
    this.remote = { addr: to, port: wanted.port };
  }

  /** @throws {LinuxError} ENETUNREACH; EACCES: to all, without SO_BROADCAST */
  private reach({ addr }: Endpoint): { to: string; from: string } {
    const found = route(addr);
    if (isBroadcast(addr) && !this.options.broadcast) fail(EACCES);
    return found;
  }

  /** @see net/ipv4/udp.c __udp_disconnect() */
  private disconnect(): void {
    this.forgetPeer();
    if (this.boundPort) return;
    this.unhash();
    this.local = { ...this.local, port: 0 };
  }

  /**
   * @throws {LinuxError} EMSGSIZE; EDESTADDRREQ: not connected; EINVAL; EAFNOSUPPORT; ECONNREFUSED: what was sent
   *   before found nobody; EPIPE: shut; EOPNOTSUPP: MSG_OOB; ENETUNREACH; EACCES
   * @see net/ipv4/udp.c udp_sendmsg()
   */
  send(_task: TaskStruct, bytes: Uint8Array, { flags, address, control }: Outgoing): number {
    if (bytes.length > 0xffff) fail(EMSGSIZE);
    if ((flags & MSG_OOB) !== 0) fail(EOPNOTSUPP);
    const wanted = this.destination(address);
    this.autobind(1, EAGAIN);
    this.failPending();
    if ((this.shut & SEND_SHUTDOWN) !== 0) fail(EPIPE);
    this.checkFamily(wanted.addr);
    const { to, from } = this.reach(wanted);
    if (bytes.length > (isV4(to) ? MAX_BYTES.v4 : MAX_BYTES.v6)) fail(EMSGSIZE);
    const own = this.local.addr === this.anyAddress ? from : this.local.addr;
    const datagram: Datagram = {
      bytes,
      from: { addr: own, port: this.local.port },
      to: { addr: to, port: wanted.port },
      ...packetClass(this.inet, { addr: to, port: wanted.port }, control),
    };
    this.net.count(bytes.length + HEADER_BYTES);
    const receivers = findReceivers(this.ports, datagram.to, datagram.from);
    for (const receiver of receivers) receiver.receive(datagram);
    if (receivers.length === 0 && !isBroadcast(to)) this.refuse();
    return bytes.length;
  }

  private destination(address: Uint8Array | null): Endpoint {
    const connected = this.remote.port === 0 ? null : this.remote;
    if (address === null) return connected ?? fail(EDESTADDRREQ);
    if (this.family === AF_INET6 && familyOf(address) === AF_UNSPEC) {
      return connected ?? fail(EDESTADDRREQ);
    }
    const wanted = parseDestination(this.family, address);
    return wanted.port === 0 ? fail(EINVAL) : wanted;
  }

  /** The port has nobody: ICMP says so, to who is connected or wants to know (__udp4_lib_err()). */
  private refuse(): void {
    this.net.count(HEADER_BYTES * 2);
    const { ip, ipv6 } = this.inet;
    const wants = (ip.get(IP_RECVERR) ?? 0) !== 0 || (ipv6.get(IPV6_RECVERR) ?? 0) !== 0;
    if (this.isConnected || wants) this.error = ECONNREFUSED;
  }

  private receive(datagram: Datagram): void {
    const size = truesize(datagram.bytes.length);
    // One fits in the smallest buffer.
    if (this.charged > 0 && this.charged + size > rcvbufOf(this)) {
      this.drops += 1;
      return;
    }
    this.charged += size;
    this.queue.push(datagram);
    this.arrivals += 1;
  }

  /** @see net/ipv4/udp.c udp_recvmsg() */
  next(room: number, flags: number): Incoming | null {
    if ((flags & MSG_ERRQUEUE) !== 0) fail(EAGAIN);
    const first = this.queue[0];
    if (first === undefined) {
      this.failPending();
      return (this.shut & RCV_SHUTDOWN) !== 0 ? null : fail(EAGAIN);
    }
    const { bytes, from } = first;
    return {
      bytes: bytes.subarray(0, room),
      whole: bytes.length,
      address: formatEndpoint(this.family, from),
      files: [],
      control: receivedControl(this.family, this.inet, first.to, first),
      flags: 0,
    };
  }

  drop(): void {
    const first = this.queue.shift();
    if (first !== undefined) this.charged -= truesize(first.bytes.length);
  }

  /** @see net/ipv4/af_inet.c inet_shutdown() */
  override shutdown(how: number): void {
    if (how < 0 || how > 2) fail(EINVAL);
    this.shut |= how + 1;
    this.arrivals += 1;
    if (!this.isConnected) fail(ENOTCONN);
  }

  /** @see net/core/datagram.c datagram_poll() */
  poll(): number {
    let mask = POLLOUT | POLLWRNORM | POLLWRBAND;
    if (this.error !== 0) mask |= POLLERR;
    if ((this.shut & RCV_SHUTDOWN) !== 0) mask |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (this.shut === SHUTDOWN_MASK) mask |= POLLHUP;
    if (this.queue.length > 0) mask |= POLLIN | POLLRDNORM;
    return mask;
  }

  override ioctl(task: TaskStruct, _file: File, cmd: number, arg: U64): number {
    const first = this.queue[0]?.bytes.length ?? 0;
    if (cmd !== FIONREAD && cmd !== SIOCOUTQ) fail(ENOTTY);
    putUserU32(task.mm as Mm, arg, cmd === FIONREAD ? first : 0);
    return 0;
  }

  release(): void {
    this.unhash();
    this.queue.length = 0;
    this.charged = 0;
  }
}
