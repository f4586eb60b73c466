import { EINVAL, ENOENT, ENOPROTOOPT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { intBytes, intOf, rcvbufOf, sndbufOf } from './sock-options.js';
import type { TcpSocket } from './tcp-socket.js';
import { TCP_CLOSE, TCP_LISTEN } from './tcp-states.js';

export const SOL_TCP = 6;

// include/uapi/linux/tcp.h
const TCP_MAXSEG = 2;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_SYNCNT = 7;
const TCP_INFO = 11;
const TCP_CONGESTION = 13;
const TCP_ULP = 31;
const CONGESTION = ['cubic', 'reno'];
/** Bytes of struct tcp_info that are told. */
const TCP_INFO_SIZE = 248;
/** What a segment of lo holds beside headers, and what is assumed without a connection. */
const LO_MSS = 65483;
const MSS_DEFAULT = 536;
const TCP_CA_NAME_MAX = 16;

/** Options that are kept as numbers: what they are, and the least and the most of each. */
const NUMBERS: ReadonlyMap<number, readonly [value: number, least: number, most: number]> = new Map(
  [
    [1, [0, -0x80000000, 0x7fffffff]], // NODELAY
    [3, [0, -0x80000000, 0x7fffffff]], // CORK
    [TCP_KEEPIDLE, [7200, 1, 32767]],
    [TCP_KEEPINTVL, [75, 1, 32767]],
    [TCP_KEEPCNT, [9, 1, 127]],
    [TCP_SYNCNT, [6, 1, 127]],
    [8, [60, -0x80000000, 0x7fffffff]], // LINGER2
    [9, [0, -0x80000000, 0x7fffffff]], // DEFER_ACCEPT
    [10, [0, 0, 0x7fffffff]], // WINDOW_CLAMP
    [12, [1, -0x80000000, 0x7fffffff]], // QUICKACK
    [16, [0, 0, 1]], // THIN_LINEAR_TIMEOUTS
    [17, [0, 0, 1]], // THIN_DUPACK
    [18, [0, 0, 0x7fffffff]], // USER_TIMEOUT
    [23, [0, 0, 0x7fffffff]], // FASTOPEN
    [24, [0, -0x80000000, 0x7fffffff]], // TIMESTAMP
    [25, [-1, -0x80000000, 0x7fffffff]], // NOTSENT_LOWAT
    [30, [0, 0, 1]], // FASTOPEN_CONNECT
    [34, [0, 0, 1]], // FASTOPEN_NO_COOKIE
    [36, [0, 0, 1]], // INQ
    [37, [0, -0x80000000, 0x7fffffff]], // TX_DELAY
  ],
);
/** Those that are no more than on or off. */
const SWITCHES = new Set([1, 3, 12]);

/**
 * @throws {LinuxError} ENOPROTOOPT: no such option
 * @see net/ipv4/tcp.c do_tcp_getsockopt()
 */
export function getTcpOption(socket: TcpSocket, option: number): Uint8Array {
  switch (option) {
    case TCP_INFO:
      return tcpInfo(socket);
    case TCP_CONGESTION: {
      const name = new Uint8Array(TCP_CA_NAME_MAX);
      name.set(new TextEncoder().encode(socket.congestion));
      return name;
    }
    case TCP_MAXSEG: {
      const idle = socket.state === TCP_CLOSE || socket.state === TCP_LISTEN;
      return intBytes(idle ? (socket.tcpOptions.get(option) ?? MSS_DEFAULT) : LO_MSS);
    }
    case TCP_ULP:
      return new Uint8Array(0);
    default: {
      const [known] = NUMBERS.get(option) ?? fail(ENOPROTOOPT);
      return intBytes(socket.tcpOptions.get(option) ?? known);
    }
  }
}

/**
 * @throws {LinuxError} ENOPROTOOPT: no such option; EINVAL: too short, or out of range; ENOENT: no such algorithm
 * @see net/ipv4/tcp.c do_tcp_setsockopt()
 */
export function setTcpOption(socket: TcpSocket, option: number, value: Uint8Array): void {
  if (option === TCP_CONGESTION) {
    if (value.length < 1) fail(EINVAL);
    const nul = value.indexOf(0);
    const name = String.fromCharCode(...value.subarray(0, nul < 0 ? value.length : nul));
    if (!CONGESTION.includes(name)) fail(ENOENT);
    socket.congestion = name;
    return;
  }
  const number = intOf(value);
  if (option === TCP_MAXSEG) {
    if (number !== 0 && (number < 88 || number > 32767)) fail(EINVAL);
  } else {
    const [, least, most] = NUMBERS.get(option) ?? fail(ENOPROTOOPT);
    if (number < least || number > most) fail(EINVAL);
  }
  socket.tcpOptions.set(option, SWITCHES.has(option) ? Number(number !== 0) : number);
}

/** struct tcp_info: of a path without losses and delays. */
function tcpInfo(socket: TcpSocket): Uint8Array {
  const view = new DataView(new ArrayBuffer(TCP_INFO_SIZE));
  view.setUint8(0, socket.state);
  view.setUint8(5, 7); // timestamps, SACK, window scaling
  view.setUint8(6, 0x77);
  const words = new Map([
    [8, 200_000], // rto, microseconds
    [16, LO_MSS], // snd_mss
    [20, MSS_DEFAULT], // rcv_mss
    [24, socket.unsent.length], // unacked
    [60, 65535], // pmtu
    [64, rcvbufOf(socket) >> 1], // rcv_ssthresh
    [76, 0x7fffffff], // snd_ssthresh
    [80, 10], // snd_cwnd
    [84, LO_MSS], // advmss
    [88, 3], // reordering
    [228, sndbufOf(socket)],
  ]);
  for (const [at, value] of words) view.setUint32(at, value, true);
  view.setBigUint64(120, BigInt(socket.sentBytes), true); // bytes_acked
  view.setBigUint64(128, BigInt(socket.readBytes + socket.received.length), true); // bytes_received
  return new Uint8Array(view.buffer);
}
