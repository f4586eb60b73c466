import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRNORM,
} from '../vfs/flags.js';
import { sndbufOf } from './sock-options.js';
import { RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK } from './socket.js';
import type { TcpSocket } from './tcp-socket.js';
import { TCP_CLOSE, TCP_SYN_SENT } from './tcp-states.js';

/**
 * POLL* bits of a stream as of now.
 * @see net/ipv4/tcp.c tcp_poll()
 */
export function tcpPoll(socket: TcpSocket): number {
  const { backlog, shut } = socket;
  if (backlog !== null) return backlog.length > 0 ? POLLIN | POLLRDNORM : 0;
  let mask = socket.error === 0 ? 0 : POLLERR;
  if (shut === SHUTDOWN_MASK || socket.state === TCP_CLOSE) mask |= POLLHUP;
  if ((shut & RCV_SHUTDOWN) !== 0) mask |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (socket.state === TCP_SYN_SENT) return mask;
  if (isReadable(socket)) mask |= POLLIN | POLLRDNORM;
  if ((shut & SEND_SHUTDOWN) !== 0 || isWritable(socket)) mask |= POLLOUT | POLLWRNORM;
  if (socket.urgentAt >= 0 && !socket.urgentRead && urgentHasCome(socket)) mask |= POLLPRI;
  return mask;
}

const urgentHasCome = ({ urgentAt, readBytes, received }: TcpSocket): boolean =>
  urgentAt < readBytes + received.length;

/** As many bytes as SO_RCVLOWAT asks for; an urgent byte in front of them does not count. */
function isReadable(socket: TcpSocket): boolean {
  const { received, options, urgentAt, readBytes } = socket;
  const urgent = urgentAt >= 0 && urgentAt === readBytes && !options.oobInline ? 1 : 0;
  return received.length >= Math.min(options.rcvlowat, 0x7fffffff - 1) + urgent;
}

/** A third of the buffer is free (sk_stream_is_writeable()). */
function isWritable(socket: TcpSocket): boolean {
  const queued = socket.unsent.length;
  return sndbufOf(socket) - queued >= queued >> 1;
}
