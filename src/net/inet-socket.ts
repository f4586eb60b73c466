import { EACCES, EADDRINUSE, EINVAL, ENETUNREACH, ENOTCONN } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_NET_BIND_SERVICE, capable } from '../kernel/capability.js';
import type { Kernel } from '../kernel/kernel.js';
import type { TaskStruct } from '../kernel/task.js';
import {
  ANY4,
  ANY6,
  checkOwnAddress,
  checkScope,
  type Endpoint,
  formatEndpoint,
  type IpAddress,
  isV4,
  parseBind,
} from './inet-address.js';
import { getInetOption, InetOptions, setInetOption } from './inet-options.js';
import { type NetNamespace, netOf } from './net-namespace.js';
import type { PortOwner, PortTable } from './ports.js';
import { AF_INET, AF_INET6, Socket } from './socket.js';

const NOWHERE: Endpoint = { addr: ANY6, port: 0 };

/** A socket with an address of IPv4 or IPv6 and a port (struct inet_sock). */
export abstract class InetSocket extends Socket implements PortOwner {
  readonly kernel: Kernel;
  readonly inet: InetOptions;
  local: Endpoint;
  /** The other end; port 0: none. */
  remote: Endpoint = NOWHERE;
  /** It is found by its port. */
  hashed = false;
  /** An address or a port was asked for in bind(), and stays when it is disconnected. */
  boundAddress = false;
  boundPort = false;

  /** A socket is not one of those that are over, but may be left with nobody who will close it. */
  readonly over = false;
  until = Infinity;

  constructor(kernel: Kernel, family: number, type: number, protocol: number) {
    super(family, type, protocol);
    this.kernel = kernel;
    this.inet = new InetOptions(kernel.sysctl.get('net.ipv6.bindv6only') !== 0);
    this.local = { addr: family === AF_INET ? ANY4 : ANY6, port: 0 };
  }

  get net(): NetNamespace {
    return netOf(this.kernel);
  }

  /** Where its ports are. */
  abstract get ports(): PortTable;

  get v6only(): boolean {
    return this.family === AF_INET6 && this.inet.v6only;
  }

  get reuseAddr(): boolean {
    return this.options.reuseAddr;
  }

  get reusePort(): boolean {
    return this.options.reusePort;
  }

  get exclusive(): boolean {
    return this.listens;
  }

  /** Any address, in the words of its family. */
  protected get anyAddress(): IpAddress {
    return this.family === AF_INET ? ANY4 : ANY6;
  }

  /**
   * @throws {LinuxError} EINVAL: too short, bound already, or an address of IPv4 and IPV6_V6ONLY; EAFNOSUPPORT;
   *   EADDRNOTAVAIL: not the machine's; EACCES: a port that needs CAP_NET_BIND_SERVICE; EADDRINUSE
   * @see net/ipv4/af_inet.c __inet_bind(), net/ipv6/af_inet6.c __inet6_bind()
   */
  bind(task: TaskStruct, address: Uint8Array): void {
    const wanted = parseBind(this.family, address);
    if (this.family === AF_INET6 && isV4(wanted.addr) && this.inet.v6only) fail(EINVAL);
    checkScope(address, wanted.addr, true);
    checkOwnAddress(wanted.addr);
    this.checkPort(task, wanted.port);
    if (this.hashed || !this.mayBind) fail(EINVAL);
    this.ports.expire(this.kernel.time());
    const old = this.local;
    this.local = wanted;
    if (wanted.port === 0) this.local = { ...wanted, port: this.ports.free(1, EADDRINUSE) };
    else if (this.ports.conflicts(this, wanted.port)) {
      this.local = old;
      fail(EADDRINUSE);
    }
    this.boundAddress = wanted.addr !== this.anyAddress;
    this.boundPort = wanted.port !== 0;
    this.hash();
  }

  /** Whether it is in a state in which it can be bound. */
  protected get mayBind(): boolean {
    return true;
  }

  private checkPort(task: TaskStruct, port: number): void {
    const { initUserNs, sysctl } = task.kernel;
    if (port === 0 || port >= sysctl.get('net.ipv4.ip_unprivileged_port_start')) return;
    if (!capable(task, initUserNs, CAP_NET_BIND_SERVICE)) fail(EACCES);
  }

  /** Gives it a port, if it has none (inet_autobind()). */
  protected autobind(parity: 0 | 1, none: number): void {
    if (this.hashed) return;
    this.ports.expire(this.kernel.time());
    this.local = { ...this.local, port: this.ports.free(parity, none) };
    this.hash();
  }

  protected hash(): void {
    this.ports.add(this);
    this.hashed = true;
  }

  protected unhash(): void {
    if (this.hashed) this.ports.remove(this);
    this.hashed = false;
  }

  /** Sets its own address, under the port it has. */
  protected setAddress(addr: IpAddress): void {
    this.local = { ...this.local, addr };
  }

  /**
   * Whether it can reach an address at all, as the family that it is.
   * @throws {LinuxError} ENETUNREACH: an address of IPv4, and IPV6_V6ONLY or an address of IPv6; EINVAL: the other
   *   way round
   */
  protected checkFamily(addr: IpAddress): void {
    if (this.family === AF_INET) return;
    if (isV4(addr)) {
      if (this.inet.v6only) fail(ENETUNREACH);
      if (!isV4(this.local.addr) && this.local.addr !== ANY6) fail(ENETUNREACH);
    } else if (isV4(this.local.addr)) fail(EINVAL);
  }

  /** Forgets where it is connected, and what was not asked for of its own address. */
  protected forgetPeer(): void {
    this.remote = NOWHERE;
    if (!this.boundAddress) this.setAddress(this.anyAddress);
  }

  address(peer: boolean): Uint8Array {
    if (!peer) return formatEndpoint(this.family, this.local);
    if (this.remote.port === 0 || !this.isConnected) fail(ENOTCONN);
    return formatEndpoint(this.family, this.remote);
  }

  /** It may be over already. */
  override acceptedFrom(): Uint8Array {
    return formatEndpoint(this.family, this.remote);
  }

  /** Whether there is another end. */
  abstract get isConnected(): boolean;

  override getOption(level: number, option: number): Uint8Array {
    return getInetOption(this, level, option);
  }

  override setOption(task: TaskStruct, level: number, option: number, value: Uint8Array): void {
    setInetOption(task, this, level, option, value);
  }
}
