import { EINVAL, ENOENT, EOPNOTSUPP } from '../../assembly/abi/errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import { addressBytes } from './inet-address.js';
import type { NetNamespace } from './net-namespace.js';
import {
  aligned,
  attribute,
  join,
  NLM_F_DUMP,
  type Request,
  type Told,
} from './netlink-message.js';
import { intBytes } from './sock-options.js';
import { AF_INET, AF_INET6, AF_UNIX } from './socket.js';
import { isJoined, type SocketView, tcpViews, udpViews } from './socket-view.js';
import { IPPROTO_TCP } from './tcp-socket.js';
import { TCP_CLOSE, TCP_ESTABLISHED, TCP_LISTEN, TCP_TIME_WAIT } from './tcp-states.js';
import { IPPROTO_UDP } from './udp-socket.js';
import type { UnixSocket } from './unix-socket.js';

// include/uapi/linux/sock_diag.h, inet_diag.h, unix_diag.h
const SOCK_DIAG_BY_FAMILY = 20;
const INET_DIAG_REQ_SIZE = 56;
const INET_DIAG_REQ_PROTOCOL = 3;
const INET_DIAG_MSG_SIZE = 72;
const UNIX_DIAG_NAME = 0;
const UNIX_DIAG_PEER = 2;
const UNIX_DIAG_RQLEN = 4;
const UDIAG_SHOW_NAME = 1;
const UDIAG_SHOW_PEER = 4;
const UDIAG_SHOW_RQLEN = 0x10;
const TIMER_TIME_WAIT = 3;

/** struct inet_diag_msg. */
function inetMessage(view: SocketView): Uint8Array {
  const bytes = new Uint8Array(INET_DIAG_MSG_SIZE);
  const data = new DataView(bytes.buffer);
  bytes.set([view.family, view.state, view.state === TCP_TIME_WAIT ? TIMER_TIME_WAIT : 0]);
  data.setUint16(4, view.local.port);
  data.setUint16(6, view.remote.port);
  const [from, to] = [view.local, view.remote].map(({ addr }) => shown(view.family, addr));
  bytes.set(from as Uint8Array, 8);
  bytes.set(to as Uint8Array, 24);
  data.setUint32(44, view.ino, true);
  data.setUint32(52, view.left, true);
  const listens = view.state === TCP_LISTEN;
  data.setUint32(56, view.reading, true);
  data.setUint32(60, listens ? view.backlogMax : view.sending, true);
  data.setUint32(64, view.uid, true);
  data.setUint32(68, view.ino, true);
  return bytes;
}

/** An address in 16 bytes, of IPv4 in the first four. */
function shown(family: number, addr: string): Uint8Array {
  const bytes = new Uint8Array(16);
  if (family === AF_INET) bytes.set(addressBytes(`00000000000000000000ffff${addr.slice(24)}`));
  else bytes.set(addr.match(/../g)?.map((digits) => parseInt(digits, 16)) ?? []);
  return bytes;
}

/** The protocol that is asked for: of more than 255 there are, so an attribute says which. */
function protocolOf(body: Uint8Array): number {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  for (let at = INET_DIAG_REQ_SIZE; at + 8 <= body.length;) {
    const length = view.getUint16(at, true);
    if (length < 4) break;
    if (view.getUint16(at + 2, true) === INET_DIAG_REQ_PROTOCOL)
      return view.getUint32(at + 4, true);
    at += aligned(length);
  }
  return body[1] ?? 0;
}

/** @see net/ipv4/inet_diag.c inet_diag_dump() */
function tellInet(task: TaskStruct, net: NetNamespace, body: Uint8Array): Told {
  if (body.length < INET_DIAG_REQ_SIZE) return EINVAL;
  const family = body[0] ?? 0;
  const protocol = protocolOf(body);
  const states = new DataView(body.buffer, body.byteOffset).getUint32(4, true);
  if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return ENOENT;
  const views =
    protocol === IPPROTO_TCP
      ? tcpViews(net.tcp, family, task.kernel.time())
      : udpViews(net.udp, family);
  const wanted = views.filter(({ state }) => (states & (1 << state)) !== 0);
  return { kind: SOCK_DIAG_BY_FAMILY, all: wanted.map(inetMessage) };
}

function unixState(socket: UnixSocket): number {
  if (socket.listens) return TCP_LISTEN;
  return isJoined(socket) ? TCP_ESTABLISHED : TCP_CLOSE;
}

/** struct unix_diag_msg and what was asked for beside. */
function unixMessage(socket: UnixSocket, show: number): Uint8Array {
  const head = new Uint8Array(16);
  head.set([AF_UNIX, socket.type, unixState(socket)]);
  const data = new DataView(head.buffer);
  data.setUint32(4, socket.ino, true);
  data.setUint32(8, socket.ino, true);
  const parts: Uint8Array[] = [head];
  if ((show & UDIAG_SHOW_NAME) !== 0 && socket.name !== null) {
    parts.push(attribute(UNIX_DIAG_NAME, encodeName(socket.name)));
  }
  const peer = socket.peer?.ino ?? 0;
  if ((show & UDIAG_SHOW_PEER) !== 0 && peer !== 0) {
    parts.push(attribute(UNIX_DIAG_PEER, intBytes(peer)));
  }
  if ((show & UDIAG_SHOW_RQLEN) !== 0) {
    const waiting = socket.backlog?.length ?? socket.queued;
    parts.push(attribute(UNIX_DIAG_RQLEN, intBytes(waiting, socket.backlogMax)));
  }
  return join(parts);
}

/** @see net/unix/diag.c unix_diag_dump() */
function tellUnix({ unixSockets }: NetNamespace, body: Uint8Array): Told {
  if (body.length < 24) return EINVAL;
  const view = new DataView(body.buffer, body.byteOffset);
  const [states, show] = [view.getUint32(4, true), view.getUint32(12, true)];
  const wanted = [...unixSockets].filter((each) => (states & (1 << unixState(each))) !== 0);
  return { kind: SOCK_DIAG_BY_FAMILY, all: wanted.map((each) => unixMessage(each, show)) };
}

/**
 * What NETLINK_SOCK_DIAG tells of the sockets of a machine: dumps only.
 * @see net/core/sock_diag.c sock_diag_rcv_msg()
 */
export function tellSockets(task: TaskStruct, net: NetNamespace, request: Request): Told {
  const { type, flags, body } = request;
  if (type !== SOCK_DIAG_BY_FAMILY) return EINVAL;
  if ((flags & NLM_F_DUMP) === 0) return EOPNOTSUPP;
  const family = body[0] ?? 0;
  if (family === AF_UNIX) return tellUnix(net, body);
  return family === AF_INET || family === AF_INET6 ? tellInet(task, net, body) : ENOENT;
}
