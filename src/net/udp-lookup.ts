import { ANY4, ANY6, type Endpoint, isBroadcast, isV4 } from './inet-address.js';
import type { PortTable } from './ports.js';
import type { UdpSocket } from './udp-socket.js';

/** How well a socket fits a datagram: its own address and the one it is connected to; 0: not at all. */
function score(socket: UdpSocket, to: Endpoint, from: Endpoint): number {
  const { local, remote, v6only } = socket;
  let points = 1;
  if (local.addr === to.addr) points += 4;
  else if (local.addr === ANY4) {
    if (!isV4(to.addr)) return 0;
    points += 1;
  } else if (local.addr !== ANY6 || (v6only && isV4(to.addr))) return 0;
  if (remote.port === 0) return points;
  return remote.addr === from.addr && remote.port === from.port ? points + 8 : 0;
}

/**
 * Who gets a datagram: the socket that it fits best, of several the last one bound, or with SO_REUSEPORT the one
 * that its port falls to; all of them when it goes to all.
 * @see net/ipv4/udp.c __udp4_lib_lookup(), compute_score()
 */
export function findReceivers(ports: PortTable, to: Endpoint, from: Endpoint): UdpSocket[] {
  const bound = ports.at(to.port) as readonly UdpSocket[];
  if (isBroadcast(to.addr)) return bound.filter((each) => score(each, to, from) > 0);
  const best = Math.max(0, ...bound.map((each) => score(each, to, from)));
  if (best === 0) return [];
  const fitting = bound.filter((each) => score(each, to, from) === best);
  const last = fitting.at(-1) as UdpSocket;
  if (!last.reusePort) return [last];
  return [fitting[from.port % fitting.length] as UdpSocket];
}
