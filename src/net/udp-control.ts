import { EINVAL } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { addressBytes, type Endpoint, formatEndpoint, isV4 } from './inet-address.js';
import {
  IP_PKTINFO,
  IP_TOS,
  IP_TTL,
  IPV6_RECVPKTINFO,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  type InetOptions,
  SOL_IP,
  SOL_IPV6,
} from './inet-options.js';
import { LO_INDEX } from './lo.js';
import type { ControlMessage } from './message.js';
import { intBytes, intOf } from './sock-options.js';
import { AF_INET, AF_INET6 } from './socket.js';

// include/uapi/linux/in.h, in6.h
const IP_RECVTTL = 12;
const IP_RECVTOS = 13;
const IPV6_PKTINFO = 50;
const IPV6_RECVHOPLIMIT = 51;
const IPV6_HOPLIMIT = 52;
const IPV6_RECVTCLASS = 66;
const DEFAULT_HOPS = 64;

/** What the header of a packet says of its way: how far it may go, and how it is to be treated. */
export interface PacketClass {
  readonly hops: number;
  readonly trafficClass: number;
}

/** A number from -1, which is as good as none, to 255. @throws {LinuxError} EINVAL */
function byteOf({ data }: ControlMessage): number | null {
  const value = data.length === 1 ? (data[0] as number) : intOf(data);
  if (value < -1 || value > 255) fail(EINVAL);
  return value < 0 ? null : value;
}

/**
 * The header of a packet to an address: what the message says, or else the socket.
 * @throws {LinuxError} EINVAL: a control message with a value that is none
 * @see net/ipv4/ip_sockglue.c ip_cmsg_send(), net/ipv6/datagram.c ip6_datagram_send_ctl()
 */
export function packetClass(
  { ip, ipv6 }: InetOptions,
  to: Endpoint,
  control: readonly ControlMessage[],
): PacketClass {
  const v4 = isV4(to.addr);
  const [level, hops, treated] = v4
    ? [SOL_IP, IP_TTL, IP_TOS]
    : [SOL_IPV6, IPV6_HOPLIMIT, IPV6_TCLASS];
  const asked = (type: number): number | null => {
    const found = control.find((each) => each.level === level && each.type === type);
    return found === undefined ? null : byteOf(found);
  };
  const ownHops = v4 ? ip.get(IP_TTL) : ipv6.get(IPV6_UNICAST_HOPS);
  const own = (v4 ? ip.get(IP_TOS) : ipv6.get(IPV6_TCLASS)) ?? 0;
  return {
    hops: asked(hops) ?? (ownHops === undefined || ownHops < 0 ? DEFAULT_HOPS : ownHops),
    trafficClass: asked(treated) ?? Math.max(own, 0),
  };
}

/**
 * What a socket wants to be told of a datagram.
 * @see net/ipv4/ip_sockglue.c ip_cmsg_recv_offset(), net/ipv6/datagram.c ip6_datagram_recv_ctl()
 */
export function receivedControl(
  family: number,
  { ip, ipv6 }: InetOptions,
  to: Endpoint,
  { hops, trafficClass }: PacketClass,
): ControlMessage[] {
  const messages: ControlMessage[] = [];
  const wants = (options: ReadonlyMap<number, number>, option: number): boolean =>
    (options.get(option) ?? 0) !== 0;
  const v4 = isV4(to.addr);
  if (family === AF_INET6 && wants(ipv6, IPV6_RECVPKTINFO)) {
    const data = new Uint8Array(20);
    data.set(formatEndpoint(AF_INET6, to).subarray(8, 24));
    data[16] = LO_INDEX;
    messages.push({ level: SOL_IPV6, type: IPV6_PKTINFO, data });
  }
  if (v4) {
    if (family === AF_INET && wants(ip, IP_PKTINFO)) {
      const data = new Uint8Array(12);
      data[0] = LO_INDEX;
      data.set(addressBytes(to.addr), 4);
      data.set(addressBytes(to.addr), 8);
      messages.push({ level: SOL_IP, type: IP_PKTINFO, data });
    }
    if (wants(ip, IP_RECVTTL)) messages.push({ level: SOL_IP, type: IP_TTL, data: intBytes(hops) });
    if (wants(ip, IP_RECVTOS)) {
      messages.push({ level: SOL_IP, type: IP_TOS, data: Uint8Array.of(trafficClass) });
    }
    return messages;
  }
  if (wants(ipv6, IPV6_RECVHOPLIMIT)) {
    messages.push({ level: SOL_IPV6, type: IPV6_HOPLIMIT, data: intBytes(hops) });
  }
  if (wants(ipv6, IPV6_RECVTCLASS)) {
    messages.push({ level: SOL_IPV6, type: IPV6_TCLASS, data: intBytes(trafficClass) });
  }
  return messages;
}
