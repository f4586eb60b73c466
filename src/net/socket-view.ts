import type { Endpoint } from './inet-address.js';
import type { PortOwner, PortTable } from './ports.js';
import { TcpSocket } from './tcp-socket.js';
import { TCP_CLOSE, TCP_ESTABLISHED, TCP_TIME_WAIT } from './tcp-states.js';
import type { TimeWait } from './time-wait.js';
import type { UdpSocket } from './udp-socket.js';
import type { UnixSocket } from './unix-socket.js';

/** What /proc/net and sock_diag tell of a socket of the internet. */
export interface SocketView {
  readonly family: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** TCP_*. */
  readonly state: number;
  /** Bytes that wait to be sent, and to be read; of who listens, most and now waiting connections. */
  readonly sending: number;
  readonly reading: number;
  readonly uid: number;
  readonly ino: number;
  /** Milliseconds until a connection that is over is forgotten; 0 for any other. */
  readonly left: number;
  readonly drops: number;
  /** How many connections may wait for who listens. */
  readonly backlogMax: number;
}

const NONE: Endpoint = { addr: '0'.repeat(32), port: 0 };

function viewOfTcp(owner: TcpSocket | TimeWait, now: number): SocketView {
  const { family, local, uid } = owner;
  const remote = owner.remote.port === 0 ? NONE : owner.remote;
  const base = { family, local, remote, uid, drops: 0, backlogMax: 0 };
  if (!(owner instanceof TcpSocket)) {
    const left = Math.max(owner.until - now, 0);
    return { ...base, uid: 0, state: TCP_TIME_WAIT, sending: 0, reading: 0, ino: 0, left };
  }
  const { state, ino, closed, backlog, backlogMax, until } = owner;
  // The end of the stream is a byte as well.
  const end = Number(owner.finReceived && !owner.finRead);
  return {
    ...base,
    state,
    sending: owner.unsent.length,
    reading: backlog?.length ?? owner.received.length + end,
    // One that is closed or not accepted yet belongs to nobody.
    ino: closed ? 0 : ino,
    uid: closed ? 0 : uid,
    left: until === Infinity ? 0 : Math.max(until - now, 0),
    backlogMax,
  };
}

/** Streams of a family: those that listen first. */
export function tcpViews(ports: PortTable, family: number, now: number): SocketView[] {
  ports.expire(now);
  const owners = ofFamily(ports, family) as (TcpSocket | TimeWait)[];
  const shown = owners.filter((each) => !(each instanceof TcpSocket) || each.state !== TCP_CLOSE);
  const rank = ({ exclusive, until }: PortOwner): number =>
    exclusive ? 0 : until === Infinity ? 1 : 2;
  return shown.sort((a, b) => rank(a) - rank(b)).map((each) => viewOfTcp(each, now));
}

function ofFamily(ports: PortTable, family: number): PortOwner[] {
  return ports.all().filter((each) => each.family === family);
}

/** Sockets of datagrams of a family. */
export function udpViews(ports: PortTable, family: number): SocketView[] {
  return (ofFamily(ports, family) as UdpSocket[]).map((socket) => {
    const { local, remote, uid, ino, drops, isConnected } = socket;
    return {
      family,
      local,
      remote: isConnected ? remote : NONE,
      state: isConnected ? TCP_ESTABLISHED : TCP_CLOSE,
      sending: 0,
      reading: socket.charged,
      uid,
      ino,
      left: 0,
      drops,
      backlogMax: 0,
    };
  });
}

/** Whether a socket of AF_UNIX has another end, as its state is shown. */
export const isJoined = ({ peer, connects, peerGone }: UnixSocket): boolean =>
  peer !== null || (connects && peerGone);
