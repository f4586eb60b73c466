import { EFAULT, EINVAL, EPERM, ERESTARTSYS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_SYS_RESOURCE, capable } from '../kernel/capability.js';
import {
  MSG_COPY,
  msgget,
  MSGMAX,
  MSGMNB,
  MSGMNI,
  type MsgQueue,
  msgrcv,
  msgsnd,
  wantedMessage,
} from '../kernel/ipc/msg.js';
import * as perm from '../kernel/ipc/perm.js';
import type { TaskStruct } from '../kernel/task.js';
import { copyFromUser } from '../mm/user.js';
import type { U64 } from '../vfs/u64.js';
import { currentMm, int, readUser, type SyscallFamily, writeU64, writeUser } from './args.js';
import { encodePerm, setPerm } from './ipc-perm.js';

// include/uapi/linux/msg.h
const MSG_STAT = 11;
const MSG_INFO = 12;
const MSG_STAT_ANY = 13;
const MSG_EXCEPT = 0o20000;
const MSGSSZ = 16;
const MSGSEG = 0xffff;
/** sizeof(struct msqid64_ds) */
const MSQID_DS_SIZE = 120;

/**
 * Message queues of System V.
 *
 * @see ipc/msg.c
 */
export const msgCalls: SyscallFamily = {
  msgget: (task, key, flags) => msgget(task, int(key), int(flags)).id,
  msgsnd: (task, id, addr, size, flags) => send(task, int(id), addr, BigInt(size), int(flags)),
  msgrcv: (task, id, addr, size, type, flags) =>
    receive(task, int(id), addr, BigInt(size), { type, flags: int(flags) }),
  msgctl: (task, id, command, buf) => msgctl(task, int(id), int(command), buf),
};

const plus = (addr: U64, by: number): U64 =>
  typeof addr === 'number' ? addr + by : addr + BigInt(by);

/** @throws {LinuxError} EINVAL: the size, the type, no queue; EFAULT; and what msgsnd() throws */
function send(task: TaskStruct, id: number, addr: U64, size: bigint, flags: number): number {
  const type = readUser(task, addr, 8).getBigInt64(0, true);
  if (size > BigInt(MSGMAX) || id < 0 || type < 1n) fail(EINVAL);
  const bytes = copyFromUser(currentMm(task), plus(addr, 8), Number(size));
  return msgsnd(task, id, { type, bytes }, flags);
}

function receive(
  task: TaskStruct,
  id: number,
  addr: U64,
  size: bigint,
  { type, flags }: { readonly type: U64; readonly flags: number },
): number {
  if (id < 0 || size >= 2n ** 63n) fail(EINVAL);
  if ((flags & MSG_COPY) !== 0) {
    if ((flags & MSG_EXCEPT) !== 0 || (flags & perm.IPC_NOWAIT) === 0) fail(EINVAL);
  }
  const room = Number(size);
  const message = msgrcv(task, id, wantedMessage(BigInt.asIntN(64, BigInt(type)), room, flags));
  if (message === null) return -ERESTARTSYS;
  const taken = message.bytes.subarray(0, room);
  writeU64(task, addr, BigInt.asUintN(64, message.type));
  writeUser(task, plus(addr, 8), taken);
  return taken.length;
}

/** @throws {LinuxError} EINVAL: no queue, no command; EACCES, EPERM; EFAULT */
function msgctl(task: TaskStruct, id: number, command: number, buf: U64): number {
  const { msgs } = task.kernel.ipc;
  if (id < 0) fail(EINVAL);
  switch (command) {
    case perm.IPC_INFO:
    case MSG_INFO:
      return info(task, buf, command === MSG_INFO);
    case perm.IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY: {
      const queue = command === perm.IPC_STAT ? msgs.byId(id) : msgs.bySlot(id);
      if (command !== MSG_STAT_ANY) perm.checkIpcPermission(task, queue, perm.S_IRUGO);
      writeUser(task, buf, encodeQueue(task, queue));
      return command === perm.IPC_STAT ? 0 : queue.id;
    }
    case perm.IPC_SET:
      return set(task, id, readUser(task, buf, MSQID_DS_SIZE));
    case perm.IPC_RMID: {
      const queue = msgs.byId(id);
      perm.checkIpcOwner(task, queue);
      msgs.remove(queue);
      queue.free();
      return 0;
    }
    default:
      return fail(EINVAL);
  }
}

/** @see ipc/msg.c, msgctl_down() */
function set(task: TaskStruct, id: number, wanted: DataView): number {
  const queue = task.kernel.ipc.msgs.byId(id);
  perm.checkIpcOwner(task, queue);
  const bytes = Number(wanted.getBigUint64(88, true));
  const mayGrow = capable(task, task.kernel.initUserNs, CAP_SYS_RESOURCE);
  if (bytes > MSGMNB && !mayGrow) fail(EPERM);
  setPerm(task, queue, wanted);
  queue.qbytes = bytes;
  queue.ctime = perm.ipcSeconds(task);
  return 0;
}

/**
 *     struct msqid64_ds   0 msg_perm   48 msg_stime   56 msg_rtime   64 msg_ctime   72 msg_cbytes   80 msg_qnum
 *                         88 msg_qbytes   96 msg_lspid   100 msg_lrpid   …
 */
function encodeQueue(task: TaskStruct, queue: MsgQueue): DataView {
  const view = new DataView(new ArrayBuffer(MSQID_DS_SIZE));
  encodePerm(task, queue, view);
  const { stime, rtime, ctime, cbytes, messages, qbytes } = queue;
  [stime, rtime, ctime, cbytes, messages.length, qbytes].forEach((value, i) => {
    view.setBigUint64(48 + 8 * i, BigInt(value), true);
  });
  view.setInt32(96, queue.lspid, true);
  view.setInt32(100, queue.lrpid, true);
  return view;
}

/** struct msginfo: msgpool, map, max, mnb, mni, ssz, tql, seg (ipc/msg.c, msgctl_info()). */
function info(task: TaskStruct, addr: U64, inUse: boolean): number {
  if (addr === 0) fail(EFAULT);
  const { msgs } = task.kernel.ipc;
  const all = msgs.list();
  const headers = all.reduce((sum, { messages }) => sum + messages.length, 0);
  const bytes = all.reduce((sum, { cbytes }) => sum + cbytes, 0);
  const [pool, map, tql] = inUse
    ? [all.length, headers, bytes]
    : [(MSGMNI * MSGMNB) / 1024, MSGMNB, MSGMNB];
  const limits = [pool, map, MSGMAX, MSGMNB, MSGMNI, MSGSSZ, tql, MSGSEG];
  writeUser(task, addr, new Uint8Array(Int32Array.from(limits).buffer));
  return msgs.maxSlot;
}
