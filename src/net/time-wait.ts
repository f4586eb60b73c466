import type { Endpoint } from './inet-address.js';
import type { InetSocket } from './inet-socket.js';
import type { PortOwner } from './ports.js';

/** TCP_TIMEWAIT_LEN, milliseconds. */
const TIMEWAIT_MS = 60_000;

/** A connection that is over, whose addresses stay taken for a minute (struct inet_timewait_sock). */
export class TimeWait implements PortOwner {
  readonly family: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly v6only: boolean;
  readonly uid: number;
  readonly reuseAddr: boolean;
  readonly reusePort: boolean;
  readonly exclusive = false;
  readonly over = true;
  readonly until: number;

  constructor(socket: InetSocket, now: number) {
    this.family = socket.family;
    this.local = socket.local;
    this.remote = socket.remote;
    this.v6only = socket.v6only;
    this.uid = socket.uid;
    this.reuseAddr = socket.reuseAddr;
    this.reusePort = socket.reusePort;
    this.until = now + TIMEWAIT_MS;
  }
}
