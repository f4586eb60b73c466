import {
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EINVAL,
  EMSGSIZE,
  ENOPROTOOPT,
  EOPNOTSUPP,
  EPERM,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_NET_ADMIN, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../vfs/flags.js';
import { familyOf } from './inet-address.js';
import { type ControlMessage, type Incoming, MSG_OOB, type Outgoing } from './message.js';
import { netOf, type NetNamespace } from './net-namespace.js';
import { answerRequests } from './netlink-message.js';
import { tellRoute } from './rtnetlink.js';
import { tellSockets } from './sock-diag.js';
import { intBytes, intOf } from './sock-options.js';
import { AF_NETLINK, Socket } from './socket.js';

export const NETLINK_ROUTE = 0;
export const NETLINK_SOCK_DIAG = 4;
const SOL_NETLINK = 270;
/** ADD_MEMBERSHIP, DROP_MEMBERSHIP, PKTINFO, BROADCAST_ERROR, NO_ENOBUFS, LISTEN_ALL_NSID, CAP_ACK, EXT_ACK, GET_STRICT_CHK. */
const OPTIONS = new Set([1, 2, 3, 4, 5, 8, 10, 11, 12]);
const NETLINK_PKTINFO = 3;
const SOCKADDR_NL_SIZE = 12;

/** A socket that asks the kernel about lo (net/netlink/af_netlink.c). */
export class NetlinkSocket extends Socket {
  private readonly net: NetNamespace;
  /** Its number, which is often the process's; 0: not bound. */
  port = 0;
  groups = 0;
  /** Whom it talks to when nobody is named: 0, the kernel. */
  private peerPort = 0;
  private readonly netlinkOptions = new Map<number, number>();
  readonly queue: Uint8Array[] = [];

  constructor(task: TaskStruct, type: number, protocol: number) {
    super(AF_NETLINK, type, protocol);
    this.net = netOf(task.kernel);
  }

  private parse(address: Uint8Array): { port: number; groups: number } {
    if (address.length < SOCKADDR_NL_SIZE || familyOf(address) !== AF_NETLINK) fail(EINVAL);
    const view = new DataView(address.buffer, address.byteOffset);
    return { port: view.getUint32(4, true), groups: view.getUint32(8, true) };
  }

  bind(task: TaskStruct, address: Uint8Array): void {
    const { port, groups } = this.parse(address);
    if (this.port !== 0 && port !== this.port) fail(EINVAL);
    this.groups = groups;
    if (port === 0) this.autobind(task);
    else if (this.net.netlinkPorts.has(port) && port !== this.port) fail(EADDRINUSE);
    else this.take(port);
  }

  private take(port: number): void {
    this.port = port;
    this.net.netlinkPorts.add(port);
  }

  /** The process's number, or one from the top (netlink_autobind()). */
  private autobind(task: TaskStruct): void {
    if (this.port !== 0) return;
    let port = task.tgid;
    while (this.net.netlinkPorts.has(port)) port = port > 0x7fffffff ? port - 1 : 0xffffefff;
    this.take(port);
  }

  connect(task: TaskStruct, address: Uint8Array): void {
    if (familyOf(address) === 0) {
      this.peerPort = 0;
      return;
    }
    this.peerPort = this.parse(address).port;
    this.autobind(task);
  }

  address(peer: boolean): Uint8Array {
    return netlinkAddress(peer ? this.peerPort : this.port, peer ? 0 : this.groups);
  }

  /** @throws {LinuxError} EINVAL; EPERM, ECONNREFUSED: to anybody but the kernel; EMSGSIZE; EOPNOTSUPP: MSG_OOB */
  send(task: TaskStruct, bytes: Uint8Array, { flags, address }: Outgoing): number {
    if ((flags & MSG_OOB) !== 0) fail(EOPNOTSUPP);
    const to = address === null ? { port: this.peerPort, groups: 0 } : this.parse(address);
    if (to.port !== 0 || to.groups !== 0) {
      const trusted = capable(task, task.kernel.initUserNs, CAP_NET_ADMIN);
      fail(trusted ? ECONNREFUSED : EPERM);
    }
    if (bytes.length > 212992 - 32) fail(EMSGSIZE);
    this.autobind(task);
    const answers = answerRequests(bytes, this.port, (request) =>
      this.protocol === NETLINK_ROUTE
        ? tellRoute(task, this.net, request)
        : tellSockets(task, this.net, request),
    );
    this.queue.push(...answers);
    this.arrivals += answers.length;
    return bytes.length;
  }

  next(room: number, flags: number): Incoming | null {
    if ((flags & MSG_OOB) !== 0) fail(EOPNOTSUPP);
    const first = this.queue[0] ?? fail(EAGAIN);
    return {
      bytes: first.subarray(0, room),
      whole: first.length,
      address: netlinkAddress(0, 0),
      files: [],
      control: this.packetInfo(),
      flags: 0,
    };
  }

  private packetInfo(): ControlMessage[] {
    if ((this.netlinkOptions.get(NETLINK_PKTINFO) ?? 0) === 0) return [];
    return [{ level: SOL_NETLINK, type: NETLINK_PKTINFO, data: intBytes(0) }];
  }

  drop(): void {
    this.queue.shift();
  }

  poll(): number {
    const mask = POLLOUT | POLLWRNORM | POLLWRBAND;
    return this.queue.length > 0 ? mask | POLLIN | POLLRDNORM : mask;
  }

  override getOption(level: number, option: number): Uint8Array {
    if (level !== SOL_NETLINK || !OPTIONS.has(option)) fail(ENOPROTOOPT);
    return intBytes(this.netlinkOptions.get(option) ?? 0);
  }

  override setOption(_task: TaskStruct, level: number, option: number, value: Uint8Array): void {
    if (level !== SOL_NETLINK || !OPTIONS.has(option)) fail(ENOPROTOOPT);
    this.netlinkOptions.set(option, intOf(value));
  }

  release(): void {
    this.net.netlinkPorts.delete(this.port);
    this.queue.length = 0;
  }
}

function netlinkAddress(port: number, groups: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(SOCKADDR_NL_SIZE));
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(4, port, true);
  view.setUint32(8, groups, true);
  return new Uint8Array(view.buffer);
}
