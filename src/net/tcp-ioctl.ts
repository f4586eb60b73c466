import { EINVAL, ENOTTY } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import type { Mm } from '../mm/mm.js';
import { putUserU32 } from '../mm/user.js';
import type { U64 } from '../vfs/u64.js';
import type { TcpSocket } from './tcp-socket.js';

const SIOCINQ = 0x541b;
const SIOCOUTQ = 0x5411;
const SIOCOUTQNSD = 0x894b;
const SIOCATMARK = 0x8905;

/**
 * @throws {LinuxError} EINVAL: it listens; ENOTTY: no such call
 * @see net/ipv4/tcp.c tcp_ioctl()
 */
export function tcpIoctl(task: TaskStruct, socket: TcpSocket, cmd: number, arg: U64): number {
  putUserU32(task.mm as Mm, arg, answer(socket, cmd));
  return 0;
}

function answer(socket: TcpSocket, cmd: number): number {
  const { received, unsent, urgentAt, readBytes, options } = socket;
  switch (cmd) {
    case SIOCINQ: {
      if (socket.listens) fail(EINVAL);
      const mark = urgentAt < readBytes || options.oobInline ? Infinity : urgentAt - readBytes;
      return mark === 0 ? Math.max(received.length - 1, 0) : Math.min(received.length, mark);
    }
    case SIOCATMARK:
      return Number(urgentAt >= 0 && urgentAt === readBytes);
    case SIOCOUTQ:
    case SIOCOUTQNSD:
      return socket.listens ? fail(EINVAL) : unsent.length;
    default:
      return fail(ENOTTY);
  }
}
