import { EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, ENETUNREACH } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from './socket.js';

/**
 * An address of IPv6 as 32 hex digits; one of IPv4 is the mapped one, ::ffff:a.b.c.d. As text they can be
 * compared, and be the key of a Map.
 */
export type IpAddress = string;

/** An address and a port (struct sockaddr_in, sockaddr_in6). */
export interface Endpoint {
  readonly addr: IpAddress;
  readonly port: number;
}

const MAPPED = '00000000000000000000ffff';
export const ANY4: IpAddress = `${MAPPED}00000000`;
export const ANY6: IpAddress = '0'.repeat(32);
export const LOOPBACK4: IpAddress = `${MAPPED}7f000001`;
export const LOOPBACK6: IpAddress = `${'0'.repeat(31)}1`;
/** The broadcast address of lo's network. */
const BROADCAST4: IpAddress = `${MAPPED}7fffffff`;

const SOCKADDR_IN_SIZE = 16;
const SOCKADDR_IN6_SIZE = 28;
/** struct sockaddr_in6 before it had a scope (RFC 2133). */
const SIN6_LEN_RFC2133 = 24;

export const isV4 = (addr: IpAddress): boolean => addr.startsWith(MAPPED);
export const isAny = (addr: IpAddress): boolean => addr === ANY4 || addr === ANY6;
export const isBroadcast = (addr: IpAddress): boolean => addr === BROADCAST4;

/** 224.0.0.0/4 or ff00::/8. */
function isMulticast(addr: IpAddress): boolean {
  return isV4(addr) ? addr[24] === 'e' : addr.startsWith('ff');
}

/** One of the machine's own: 127.0.0.0/8 but for the broadcast address, or ::1. */
function isLocal(addr: IpAddress): boolean {
  if (isV4(addr)) return addr.startsWith(`${MAPPED}7f`) && !isBroadcast(addr);
  return addr === LOOPBACK6;
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function bytesOfHex(text: string): Uint8Array {
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
}

/** The family of an address; -1 where it is too short to have one. */
export function familyOf(address: Uint8Array): number {
  return address.length < 2 ? -1 : (address[0] as number) | ((address[1] as number) << 8);
}

const portOf = (address: Uint8Array): number =>
  ((address[2] as number) << 8) | (address[3] as number);

/** A struct sockaddr_in as it stands. */
function endpoint4(address: Uint8Array): Endpoint {
  return { addr: MAPPED + hex(address.subarray(4, 8)), port: portOf(address) };
}

/**
 * An address that is given to a socket of a family.
 * @throws {LinuxError} EINVAL: too short; EAFNOSUPPORT: of another family
 */
export function parseEndpoint(family: number, address: Uint8Array): Endpoint {
  if (family === AF_INET) {
    if (address.length < SOCKADDR_IN_SIZE) fail(EINVAL);
    return familyOf(address) === AF_INET ? endpoint4(address) : fail(EAFNOSUPPORT);
  }
  if (address.length < SIN6_LEN_RFC2133) fail(EINVAL);
  if (familyOf(address) !== AF_INET6) fail(EAFNOSUPPORT);
  return { addr: hex(address.subarray(8, 24)), port: portOf(address) };
}

/**
 * The address of a bind; AF_UNSPEC with no address is one of IPv4.
 * @throws {LinuxError} as parseEndpoint()
 * @see net/ipv4/af_inet.c __inet_bind()
 */
export function parseBind(family: number, address: Uint8Array): Endpoint {
  const any = family === AF_INET && address.length >= SOCKADDR_IN_SIZE;
  if (any && familyOf(address) === AF_UNSPEC) {
    const endpoint = endpoint4(address);
    return endpoint.addr === ANY4 ? endpoint : fail(EAFNOSUPPORT);
  }
  return parseEndpoint(family, address);
}

/**
 * Where a datagram goes: IPv4's addresses too, from a socket of IPv6.
 * @throws {LinuxError} as parseEndpoint(); EINVAL: a family that is none of both
 * @see net/ipv4/udp.c udp_sendmsg(), net/ipv6/udp.c udpv6_sendmsg()
 */
export function parseDestination(family: number, address: Uint8Array): Endpoint {
  const given = familyOf(address);
  if (family === AF_INET6) {
    if (given === AF_INET) return parseEndpoint(AF_INET, address);
    return given === AF_INET6 ? parseEndpoint(AF_INET6, address) : fail(EINVAL);
  }
  if (address.length < SOCKADDR_IN_SIZE) fail(EINVAL);
  // BSD's programs leave the family out.
  return given === AF_UNSPEC ? endpoint4(address) : parseEndpoint(AF_INET, address);
}

/** The struct sockaddr_in or sockaddr_in6 that a socket of a family shows. */
export function formatEndpoint(family: number, { addr, port }: Endpoint): Uint8Array {
  const v4 = family === AF_INET;
  const bytes = new Uint8Array(v4 ? SOCKADDR_IN_SIZE : SOCKADDR_IN6_SIZE);
  bytes.set([family, 0, port >> 8, port & 0xff]);
  if (v4) bytes.set(bytesOfHex(addr.slice(24)), 4);
  else bytes.set(bytesOfHex(addr), 8);
  return bytes;
}

/**
 * The address that a destination is at, and the one that what goes there comes from when the socket has none:
 * every address of lo is the machine's own, and there is no other device.
 * @throws {LinuxError} ENETUNREACH: no route
 */
export function route(addr: IpAddress): { to: IpAddress; from: IpAddress } {
  if (addr === ANY4) return { to: LOOPBACK4, from: LOOPBACK4 };
  if (addr === ANY6) return { to: LOOPBACK6, from: LOOPBACK6 };
  if (!isLocal(addr) && !isBroadcast(addr)) fail(ENETUNREACH);
  return { to: addr, from: isV4(addr) ? LOOPBACK4 : LOOPBACK6 };
}

/**
 * Whether a socket may have an address: its own, none in particular, or one that several have.
 * @throws {LinuxError} EADDRNOTAVAIL
 */
export function checkOwnAddress(addr: IpAddress): void {
  const shared =
    isV4(addr) && (isMulticast(addr) || isBroadcast(addr) || addr.endsWith('ffffffff'));
  if (!isAny(addr) && !isLocal(addr) && !shared) fail(EADDRNOTAVAIL);
}

/**
 * Addresses of one link need the number of its device: fe80::/10, and groups of ff02::/16 where those count.
 * @param address the struct sockaddr_in6 that `addr` is from
 * @throws {LinuxError} EINVAL
 */
export function checkScope(address: Uint8Array, addr: IpAddress, groups: boolean): void {
  const link = /^fe[89ab]/.test(addr) || (groups && addr.startsWith('ff02'));
  if (link && (address.length < SOCKADDR_IN6_SIZE || address[24] === 0)) fail(EINVAL);
}

/** An address as /proc/net shows it: each 32-bit word as the processor reads it. */
export function procAddress(family: number, { addr, port }: Endpoint): string {
  const digits = family === AF_INET ? addr.slice(24) : addr;
  const words = digits.match(/.{8}/g) ?? [];
  const swapped = words.map((word) => (word.match(/../g) ?? []).reverse().join(''));
  return `${swapped.join('')}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}

/** The bytes of an address, 4 or 16, as netlink has them. */
export const addressBytes = (addr: IpAddress): Uint8Array =>
  bytesOfHex(isV4(addr) ? addr.slice(24) : addr);
