import type { Kernel } from '../kernel/kernel.js';
import { SideTable } from '../side-table.js';
import { PortTable } from './ports.js';
import type { UnixSocket } from './unix-socket.js';

/**
 * The network of a machine: sockets that find each other, by name or by port (struct net). It reaches nothing
 * outside the machine: its one device is lo.
 */
export class NetNamespace {
  /** Sockets by their abstract names, which begin with a NUL. */
  readonly unixNames = new Map<string, UnixSocket>();
  /** All sockets of AF_UNIX. */
  readonly unixSockets = new Set<UnixSocket>();
  readonly tcp = new PortTable();
  readonly udp = new PortTable();
  /** What went through lo, and so came back. */
  packets = 0;
  bytes = 0;
  /** Ports of netlink that are taken. */
  readonly netlinkPorts = new Set<number>();

  /** Counts a packet with its headers. */
  count(bytes: number): void {
    this.packets += 1;
    this.bytes += bytes;
  }
}

const namespaces = new SideTable<Kernel, NetNamespace>('net', 'Kernel');

/** The network of a kernel. */
export function netOf(kernel: Kernel): NetNamespace {
  const known = namespaces.get(kernel);
  if (known !== undefined) return known;
  const made = new NetNamespace();
  namespaces.set(kernel, made);
  return made;
}
