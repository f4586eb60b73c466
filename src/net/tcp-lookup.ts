import { ANY4, ANY6, type Endpoint, isV4 } from './inet-address.js';
import type { PortOwner, PortTable } from './ports.js';
import type { TcpSocket } from './tcp-socket.js';

/** How well an owner's address fits; 0: not at all (compute_score()). */
function score({ local, v6only }: PortOwner, { addr }: Endpoint): number {
  if (local.addr === addr) return 3;
  if (local.addr === ANY4) return isV4(addr) ? 2 : 0;
  if (local.addr !== ANY6) return 0;
  return isV4(addr) && v6only ? 0 : 1;
}

/**
 * Who listens at an address; of several with SO_REUSEPORT the one that the other end's port falls to.
 * @see net/ipv4/inet_hashtables.c __inet_lookup_listener()
 */
export function findListener(ports: PortTable, to: Endpoint, from: Endpoint): TcpSocket | null {
  const listening = ports.at(to.port).filter(({ exclusive }) => exclusive);
  const best = Math.max(0, ...listening.map((each) => score(each, to)));
  if (best === 0) return null;
  const fitting = listening.filter((each) => score(each, to) === best);
  return (fitting[from.port % fitting.length] ?? null) as TcpSocket | null;
}
