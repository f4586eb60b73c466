import { EADDRNOTAVAIL, EINVAL, ENODEV, ENOPROTOOPT, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_NET_ADMIN, CAP_NET_RAW, capable } from '../kernel/capability.js';
import type { TaskStruct } from '../kernel/task.js';
import type { InetSocket } from './inet-socket.js';
import { intBytes, intOf } from './sock-options.js';
import { AF_INET6, SOCK_STREAM } from './socket.js';

export const SOL_IP = 0;
export const SOL_IPV6 = 41;

// include/uapi/linux/in.h
export const IP_TOS = 1;
export const IP_TTL = 2;
const IP_OPTIONS = 4;
export const IP_PKTINFO = 8;
const IP_MTU_DISCOVER = 10;
export const IP_RECVERR = 11;
const IP_MTU = 14;
const IP_TRANSPARENT = 19;
const IP_MULTICAST_IF = 32;
const IP_MULTICAST_TTL = 33;
const IP_MULTICAST_LOOP = 34;
const IP_MEMBERSHIP = [35, 36, 37, 38, 39, 40, 42, 43, 44, 45, 46, 47, 48];
// include/uapi/linux/in6.h
export const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_MULTICAST_LOOP = 19;
const IPV6_MEMBERSHIP = [20, 21, 27, 28];
const IPV6_MTU_DISCOVER = 23;
const IPV6_MTU = 24;
const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_TCLASS = 67;

/** The defaults of options that are kept as numbers. */
const DEFAULTS4: ReadonlyMap<number, number> = new Map([
  // TOS, HDRINCL?, ROUTER_ALERT, RECVOPTS, RETOPTS, PKTINFO, RECVERR, RECVTTL, RECVTOS, FREEBIND, PASSSEC
  ...[1, 5, 6, 7, 8, 11, 12, 13, 15, 18].map((option) => [option, 0] as const),
  // TRANSPARENT, ORIGDSTADDR, MINTTL, NODEFRAG, CHECKSUM, BIND_ADDRESS_NO_PORT, RECVFRAGSIZE, RECVERR_RFC4884
  ...[19, 20, 21, 22, 23, 24, 25, 26].map((option) => [option, 0] as const),
  [IP_TTL, 64],
  [IP_MTU_DISCOVER, 1],
  [IP_MULTICAST_TTL, 1],
  [IP_MULTICAST_LOOP, 1],
  // MULTICAST_ALL, UNICAST_IF
  [49, 1],
  [50, 0],
]);
const DEFAULTS6: ReadonlyMap<number, number> = new Map([
  [IPV6_UNICAST_HOPS, 64],
  [17, 0],
  [IPV6_MULTICAST_HOPS, 1],
  [IPV6_MULTICAST_LOOP, 1],
  [IPV6_MTU_DISCOVER, 1],
  // RECVERR, MULTICAST_ALL, RECVERR_RFC4884, FLOWINFO_SEND
  [25, 0],
  [29, 1],
  [31, 0],
  [33, 0],
  // RECVPKTINFO, RECVHOPLIMIT, RECVHOPOPTS, RECVRTHDR, RECVDSTOPTS, RECVPATHMTU, DONTFRAG, RECVTCLASS, TCLASS
  ...[49, 51, 53, 56, 58, 60, 62, 66, 67].map((option) => [option, 0] as const),
  // AUTOFLOWLABEL, ADDR_PREFERENCES, MINHOPCOUNT, ORIGDSTADDR, TRANSPARENT, UNICAST_IF, RECVFRAGSIZE, FREEBIND
  [70, 1],
  [72, 2],
  ...[73, 74, 75, 76, 77, 78].map((option) => [option, 0] as const),
]);
/** Bytes of a packet of lo. */
const LO_MTU = 65536;
/** A hop limit may be left to the kernel, IPv6's too. */
const LIMITS: ReadonlyMap<number, readonly [number, number]> = new Map([
  [IP_TTL, [1, 255]],
  [IP_MTU_DISCOVER, [0, 5]],
]);

/** What IPPROTO_IP and IPPROTO_IPV6 set of a socket (struct inet_sock, ipv6_pinfo). */
export class InetOptions {
  readonly ip = new Map<number, number>();
  readonly ipv6 = new Map<number, number>();
  v6only: boolean;

  constructor(v6only: boolean) {
    this.v6only = v6only;
  }

  /** What a connection that is accepted has of the socket that listens. */
  inherit(from: InetOptions): void {
    for (const [option, value] of from.ip) this.ip.set(option, value);
    for (const [option, value] of from.ipv6) this.ipv6.set(option, value);
    this.v6only = from.v6only;
  }
}

/**
 * @throws {LinuxError} ENOPROTOOPT: no such option or level; ENOTCONN: IP_MTU of what is not connected
 * @see net/ipv4/ip_sockglue.c do_ip_getsockopt(), net/ipv6/ipv6_sockglue.c do_ipv6_getsockopt()
 */
export function getInetOption(socket: InetSocket, level: number, option: number): Uint8Array {
  const { inet } = socket;
  if (level === SOL_IP) {
    if (option === IP_OPTIONS) return new Uint8Array(0);
    if (option === IP_MTU) return intBytes(LO_MTU);
    if (option === IP_MULTICAST_IF) return intBytes(0);
    const known = DEFAULTS4.get(option) ?? fail(ENOPROTOOPT);
    return intBytes(inet.ip.get(option) ?? known);
  }
  if (level !== SOL_IPV6 || socket.family !== AF_INET6) fail(ENOPROTOOPT);
  if (option === IPV6_V6ONLY) return intBytes(Number(inet.v6only));
  if (option === IPV6_MTU) return intBytes(LO_MTU);
  const known = DEFAULTS6.get(option) ?? fail(ENOPROTOOPT);
  const value = inet.ipv6.get(option) ?? known;
  return intBytes(option === IPV6_UNICAST_HOPS && value === -1 ? known : value);
}

/** A number: ip_setsockopt takes one byte as well. */
function numberOf(value: Uint8Array): number {
  return value.length >= 4 ? intOf(value) : (value[0] ?? 0);
}

/**
 * @throws {LinuxError} ENOPROTOOPT: no such option or level; EINVAL: out of range, or too late; EPERM: it needs a
 *   capability; ENODEV, EADDRNOTAVAIL: a group, of which lo has none
 * @see net/ipv4/ip_sockglue.c do_ip_setsockopt(), net/ipv6/ipv6_sockglue.c do_ipv6_setsockopt()
 */
export function setInetOption(
  task: TaskStruct,
  socket: InetSocket,
  level: number,
  option: number,
  value: Uint8Array,
): void {
  if (level === SOL_IP) return setIpOption(task, socket, option, value);
  if (level !== SOL_IPV6 || socket.family !== AF_INET6) fail(ENOPROTOOPT);
  const { inet } = socket;
  if (IPV6_MEMBERSHIP.includes(option)) fail(ENODEV);
  const number = intOf(value);
  if (option === IPV6_V6ONLY) {
    if (socket.hashed) fail(EINVAL);
    inet.v6only = number !== 0;
    return;
  }
  if (!DEFAULTS6.has(option)) fail(ENOPROTOOPT);
  const hops = option === IPV6_UNICAST_HOPS || option === IPV6_MULTICAST_HOPS;
  if (hops && (number < -1 || number > 255)) fail(EINVAL);
  inet.ipv6.set(option, number);
}

function setIpOption(
  task: TaskStruct,
  socket: InetSocket,
  option: number,
  value: Uint8Array,
): void {
  const ns = task.kernel.initUserNs;
  if (IP_MEMBERSHIP.includes(option)) fail(socket.type === SOCK_STREAM ? EINVAL : ENODEV);
  if (option === IP_OPTIONS) return;
  if (option === IP_MULTICAST_IF) {
    if (value.length < 4) fail(EINVAL);
    return intOf(value) === 0 ? undefined : fail(EADDRNOTAVAIL);
  }
  if (!DEFAULTS4.has(option)) fail(ENOPROTOOPT);
  const number = numberOf(value);
  const [least, most] = LIMITS.get(option) ?? [-0x80000000, 0x7fffffff];
  const reset = option === IP_TTL && number === -1;
  if (!reset && (number < least || number > most)) fail(EINVAL);
  const trusted = capable(task, ns, CAP_NET_ADMIN) || capable(task, ns, CAP_NET_RAW);
  if (option === IP_TRANSPARENT && number !== 0 && !trusted) fail(EPERM);
  if (reset) socket.inet.ip.delete(option);
  else socket.inet.ip.set(option, option === IP_TOS ? number & 0xff : number);
}
