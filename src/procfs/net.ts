import type { Kernel } from '../kernel/kernel.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import { procAddress } from '../net/inet-address.js';
import { netOf } from '../net/net-namespace.js';
import { AF_INET, AF_INET6 } from '../net/socket.js';
import { isJoined, type SocketView, tcpViews, udpViews } from '../net/socket-view.js';
import { TCP_LISTEN, TCP_TIME_WAIT } from '../net/tcp-states.js';
import type { UnixSocket } from '../net/unix-socket.js';
import { byteStringOf } from '../vfs/byte-string.js';
import { one, type PidEntry, pidentFileOperations, pidentInodeOperations } from './pid-entry.js';

const hex = (value: number, digits: number): string =>
  value.toString(16).toUpperCase().padStart(digits, '0');
const wide = (value: number, columns: number): string => String(value).padStart(columns);
/** Kernel addresses are shown to nobody (kptr_restrict). */
const POINTER = '0'.repeat(16);
/** Lines of IPv4 are filled up with spaces (TMPSZ), to these columns. */
const TCP_COLUMNS = 149;
const UDP_COLUMNS = 127;
const HEAD4 =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const HEAD6 =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const DATAGRAM_HEAD = ' ref pointer drops';
/** A tick of the clock that times are shown in, milliseconds (USER_HZ). */
const TICK_MS = 10;

/** What lines of streams and datagrams have alike. */
function line(view: SocketView, index: number, columns: number): string {
  const addresses = `${procAddress(view.family, view.local)} ${procAddress(view.family, view.remote)}`;
  const timer = view.left > 0 ? 3 : 0;
  return [
    `${wide(index, columns)}:`,
    addresses,
    hex(view.state, 2),
    `${hex(view.sending, 8)}:${hex(view.reading, 8)}`,
    `${hex(timer, 2)}:${hex(Math.floor(view.left / TICK_MS), 8)}`,
    hex(0, 8),
    wide(view.uid, 5),
    wide(0, 8),
    view.ino,
  ].join(' ');
}

/** @see net/ipv4/tcp_ipv4.c get_tcp4_sock(), get_timewait4_sock(), net/ipv6/tcp_ipv6.c */
function tcpLine(view: SocketView, index: number): string {
  const head = line(view, index, 4);
  if (view.left > 0) return `${head} 3 ${POINTER}`;
  return `${head} ${view.ino === 0 ? 1 : 2} ${POINTER} ${view.state === TCP_LISTEN ? '100 0 0 10 0' : '20 4 30 10 -1'}`;
}

function lines(head: string, rows: readonly string[], columns = 0): string {
  return [head, ...rows].map((text) => `${text.padEnd(columns)}\n`).join('');
}

function showTcp(family: number): (task: TaskStruct) => string {
  return ({ kernel }) => {
    const rows = tcpViews(netOf(kernel).tcp, family, kernel.time()).map(tcpLine);
    return family === AF_INET ? lines(HEAD4, rows, TCP_COLUMNS) : lines(HEAD6, rows);
  };
}

/** @see net/ipv4/udp.c udp4_format_sock(), net/ipv6/datagram.c __ip6_dgram_sock_seq_show() */
function showUdp(family: number): (task: TaskStruct) => string {
  return ({ kernel }) => {
    const rows = udpViews(netOf(kernel).udp, family).map(
      (view, i) => `${line(view, i, 5)} 2 ${POINTER} ${view.drops}`,
    );
    if (family === AF_INET) return lines(` ${HEAD4}${DATAGRAM_HEAD}`, rows, UDP_COLUMNS);
    return lines(`${HEAD6}${DATAGRAM_HEAD}`, rows);
  };
}

/** @see net/unix/af_unix.c unix_seq_show() */
function unixLine(socket: UnixSocket): string {
  const open = socket.ino !== 0;
  const state = isJoined(socket) ? (open ? 3 : 2) : open ? 1 : 4;
  const references = socket.peer === null ? 2 : 3;
  const listens = socket.listens ? '00010000' : '00000000';
  const name = byteStringOf(encodeName(socket.name ?? '')).replaceAll('\0', '@');
  const path = name === '' ? '' : ` ${name}`;
  const numbers = `${hex(references, 8)} 00000000 ${listens} ${hex(socket.type, 4)} ${hex(state, 2)}`;
  return `${POINTER}: ${numbers} ${wide(socket.ino, 5)}${path}`;
}

function showUnix({ kernel }: TaskStruct): string {
  const rows = [...netOf(kernel).unixSockets].map(unixLine);
  return lines('Num       RefCount Protocol Flags    Type St Inode Path', rows);
}

/** @see net/core/net-procfs.c dev_seq_show() */
function showDev({ kernel }: TaskStruct): string {
  const { bytes, packets } = netOf(kernel);
  const received = [7, 7, 4, 4, 4, 5, 10, 9];
  const sent = [8, 7, 4, 4, 4, 5, 7, 10];
  const counts = (widths: readonly number[]): string =>
    widths.map((width, i) => wide([bytes, packets][i] ?? 0, width)).join(' ');
  return lines(
    'Inter-|   Receive                                                |  Transmit\n' +
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    [`    lo: ${counts(received)} ${counts(sent)}`],
  );
}

/** @see net/ipv4/proc.c sockstat_seq_show() */
function showSockstat({ kernel }: TaskStruct): string {
  const { tcp, udp, unixSockets } = netOf(kernel);
  const now = kernel.time();
  const streams = [AF_INET, AF_INET6].flatMap((family) => tcpViews(tcp, family, now));
  const waits = streams.filter(({ state }) => state === TCP_TIME_WAIT).length;
  const [used, alone] = [streams.length - waits, streams.filter(isOrphan).length];
  const datagrams = udp.all().length;
  return (
    `sockets: used ${used + datagrams + unixSockets.size}\n` +
    `TCP: inuse ${inuse(kernel, AF_INET)} orphan ${alone} tw ${waits} alloc ${used} mem 0\n` +
    `UDP: inuse ${udpViews(udp, AF_INET).length} mem 0\n` +
    'UDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n'
  );
}

const isOrphan = ({ state, ino }: SocketView): boolean => ino === 0 && state !== TCP_TIME_WAIT;

function inuse(kernel: Kernel, family: number): number {
  const views = tcpViews(netOf(kernel).tcp, family, kernel.time());
  return views.filter(({ state }) => state !== TCP_TIME_WAIT).length;
}

/** @see net/ipv6/proc.c sockstat6_seq_show() */
function showSockstat6({ kernel }: TaskStruct): string {
  const datagrams = udpViews(netOf(kernel).udp, AF_INET6).length;
  return (
    `TCP6: inuse ${inuse(kernel, AF_INET6)}\nUDP6: inuse ${datagrams}\n` +
    'UDPLITE6: inuse 0\nRAW6: inuse 0\nFRAG6: inuse 0 memory 0\n'
  );
}

/** The main table, which is empty: lo's routes are in the local one (net/ipv4/fib_trie.c fib_route_seq_show()). */
const ROUTE_HEAD =
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';
const LOOPBACK6 = `${'0'.repeat(31)}1`;
const ANY6 = '0'.repeat(32);
const NO_ROUTE6 = `${ANY6} 00 ${ANY6} 00 ${ANY6} ffffffff 00000001 00000000 00200200       lo\n`;
const LOCAL6 = `${LOOPBACK6} 80 ${ANY6} 00 ${ANY6} 00000000 00000002 00000000 80200001       lo\n`;
const ARP_HEAD = 'IP address       HW type     Flags       HW address            Mask     Device\n';

/** What is in /proc/PID/net: the network, the same for all. */
export const netDirStuff: readonly PidEntry[] = [
  one('arp', 0o444, () => ARP_HEAD),
  one('dev', 0o444, showDev),
  one('if_inet6', 0o444, () => `${LOOPBACK6} 01 80 10 80       lo\n`),
  one('ipv6_route', 0o444, () => NO_ROUTE6 + LOCAL6 + NO_ROUTE6),
  one('raw', 0o444, () => lines(`${HEAD4}${DATAGRAM_HEAD}`, [])),
  one('raw6', 0o444, () => lines(`${HEAD6}${DATAGRAM_HEAD}`, [])),
  one('route', 0o444, () => lines(ROUTE_HEAD, [], UDP_COLUMNS)),
  one('sockstat', 0o444, showSockstat),
  one('sockstat6', 0o444, showSockstat6),
  one('tcp', 0o444, showTcp(AF_INET)),
  one('tcp6', 0o444, showTcp(AF_INET6)),
  one('udp', 0o444, showUdp(AF_INET)),
  one('udp6', 0o444, showUdp(AF_INET6)),
  one('unix', 0o444, showUnix),
];

export const netDirInodeOperations = pidentInodeOperations(() => netDirStuff);
export const netDirFileOperations = pidentFileOperations(() => netDirStuff);
