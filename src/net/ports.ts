import { fail } from '../errno.js';
import { ANY4, ANY6, type IpAddress, isAny, isV4 } from './inet-address.js';

/** The ports that the kernel gives: net.ipv4.ip_local_port_range. */
const PORT_MIN = 32768;
const PORT_MAX = 60999;

/** Who has a port: a socket, or a connection that is over and lingers (struct inet_bind_bucket's owners). */
export interface PortOwner {
  readonly family: number;
  readonly local: { readonly addr: IpAddress; readonly port: number };
  /** IPV6_V6ONLY: no address of IPv4 belongs to it. */
  readonly v6only: boolean;
  readonly uid: number;
  readonly reuseAddr: boolean;
  readonly reusePort: boolean;
  /** A stream that listens, beside which SO_REUSEADDR is of no use. */
  readonly exclusive: boolean;
  /** It is a connection that is over and lingers. */
  readonly over: boolean;
  /** Until when, in milliseconds of the kernel's time; Infinity for a socket. */
  readonly until: number;
}

/** Whether two owners of one port have an address in common (inet_rcv_saddr_equal()). */
function overlap(a: PortOwner, b: PortOwner): boolean {
  const [x, y] = [a.local.addr, b.local.addr];
  if (isAny(x) || isAny(y)) return covers(a, y) || covers(b, x);
  return x === y;
}

/** Whether the wildcard of an owner takes in an address. */
function covers({ local, v6only }: PortOwner, addr: IpAddress): boolean {
  if (local.addr === ANY4) return isV4(addr);
  if (local.addr !== ANY6) return false;
  return !v6only || !isV4(addr);
}

/** Ports of one protocol and who has them. */
export class PortTable {
  readonly owners = new Map<number, PortOwner[]>();
  /** Where the search for a free port goes on. */
  private next = PORT_MIN;
  /** When the first of them is to be forgotten, in milliseconds of the kernel's time. */
  private soonest = Infinity;

  at(port: number): readonly PortOwner[] {
    return this.owners.get(port) ?? [];
  }

  add(owner: PortOwner): void {
    this.expires(owner.until);
    const there = this.owners.get(owner.local.port);
    if (there === undefined) this.owners.set(owner.local.port, [owner]);
    else there.push(owner);
  }

  remove(owner: PortOwner): void {
    const { port } = owner.local;
    const there = this.owners.get(port) ?? [];
    const at = there.indexOf(owner);
    if (at >= 0) there.splice(at, 1);
    if (there.length === 0) this.owners.delete(port);
  }

  /** All of them, by rising port. */
  all(): PortOwner[] {
    const ports = [...this.owners.keys()].sort((a, b) => a - b);
    return ports.flatMap((port) => this.at(port));
  }

  /**
   * Whether an owner may have a port beside those who do.
   * @see net/ipv4/inet_connection_sock.c inet_csk_bind_conflict(), net/ipv4/udp.c udp_lib_lport_inuse()
   */
  conflicts(owner: PortOwner, port: number): boolean {
    return this.at(port).some((other) => {
      if (other === owner || !overlap(owner, other)) return false;
      if (owner.reuseAddr && other.reuseAddr && !other.exclusive) return false;
      return !(owner.reusePort && other.reusePort && owner.uid === other.uid);
    });
  }

  /**
   * A port that nobody has: of connections even ones first, else odd ones, as Linux prefers. In need a connection
   * takes one whose owners are all over (net.ipv4.tcp_tw_reuse).
   * @param none what it fails with
   * @throws {LinuxError} `none`: all are taken
   */
  free(parity: 0 | 1, none: number): number {
    const isFree = (port: number): boolean => !this.owners.has(port);
    const isOver = (port: number): boolean => this.at(port).every(({ over }) => over);
    const other = (1 - parity) as 0 | 1;
    const port =
      this.search(parity, isFree) ??
      this.search(other, isFree) ??
      (parity === 0 ? (this.search(0, isOver) ?? this.search(1, isOver)) : null);
    return port ?? fail(none);
  }

  private search(parity: 0 | 1, accepts: (port: number) => boolean): number | null {
    const count = PORT_MAX - PORT_MIN + 1;
    for (let i = 0; i < count; i++) {
      const port = PORT_MIN + ((this.next - PORT_MIN + i) % count);
      if ((port & 1) !== parity || !accepts(port)) continue;
      this.next = port + 1;
      return port;
    }
    return null;
  }

  /** An owner is to be forgotten at a moment. */
  expires(at: number): void {
    this.soonest = Math.min(this.soonest, at);
  }

  /** Forgets the connections that have lingered long enough. */
  expire(now: number): void {
    if (now < this.soonest) return;
    this.soonest = Infinity;
    for (const owner of this.all()) {
      if (owner.until <= now) this.remove(owner);
      else this.expires(owner.until);
    }
  }
}
