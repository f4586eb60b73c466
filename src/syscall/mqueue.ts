import {
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  EMFILE,
  EMSGSIZE,
  ENAMETOOLONG,
  ENOENT,
  ENOSPC,
  EPERM,
  ERESTARTSYS,
} from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { CAP_FOWNER, CAP_SYS_RESOURCE, capable } from '../kernel/capability.js';
import { RLIMIT_MSGQUEUE } from '../kernel/rlimit.js';
import { NSIG } from '../kernel/signal.js';
import type { TaskStruct } from '../kernel/task.js';
import { copyFromUser } from '../mm/user.js';
import { Dentry, ownName } from '../vfs/dentry.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import { File, FMODE_LSEEK, FMODE_PREAD, FMODE_READ, FMODE_WRITE } from '../vfs/file.js';
import { O_ACCMODE, O_CREAT, O_EXCL, O_NONBLOCK } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { Inode } from '../vfs/inode.js';
import { MAY_READ, MAY_WRITE, S_IFREG } from '../vfs/mode.js';
import {
  type MqNotify,
  mqReceive,
  mqSend,
  Mqueue,
  mqueueInodeOperations,
  mqueueOf,
  mqueueOperations,
  mqueuesOf,
} from '../vfs/mqueue.js';
import { inodePermission } from '../vfs/permission.js';
import type { U64 } from '../vfs/u64.js';
import {
  currentMm,
  int,
  readUser,
  type SyscallFamily,
  uint,
  userPath,
  writeU32s,
  writeUser,
} from './args.js';
import { readTimespec, wallTime } from './time.js';

// include/linux/ipc_namespace.h, and /proc/sys/fs/mqueue
const MSG_MAX = 10;
const MSGSIZE_MAX = 8192;
const HARD_MSGMAX = 65536;
const HARD_MSGSIZEMAX = 16 * 2 ** 20;
const QUEUES_MAX = 256;
const MQ_PRIO_MAX = 32768;
const NAME_MAX = 255;
/** sizeof(struct mq_attr), sizeof(struct sigevent) */
const MQ_ATTR_SIZE = 64;
const SIGEVENT_SIZE = 64;
// SIGEV_*: include/uapi/asm-generic/siginfo.h. SIGEV_THREAD would need a socket of AF_NETLINK.
const SIGEV_SIGNAL = 0;
const SIGEV_NONE = 1;
/** What each access mode asks of a queue. */
const ACCESS = [MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE];
const MODES = [FMODE_READ, FMODE_WRITE, FMODE_READ | FMODE_WRITE];

/**
 * POSIX message queues.
 *
 * @see ipc/mqueue.c
 */
export const mqueueCalls: SyscallFamily = {
  mq_open: (task, name, flags, mode, attr) => {
    const given = attr === 0 ? null : readUser(task, attr, MQ_ATTR_SIZE);
    return open(task, userPath(task, name), int(flags), { mode: uint(mode), attr: given });
  },
  mq_unlink: (task, name) => unlink(task, userPath(task, name)),
  mq_timedsend(task, fd, addr, length, priority, timeout) {
    const ms = timeLeft(task, timeout);
    if (uint(priority) >= MQ_PRIO_MAX) fail(EINVAL);
    const file = filesOf(task).get(int(fd));
    const queue = mqueueOf(file, FMODE_WRITE);
    if (length > queue.messageSize) fail(EMSGSIZE);
    const bytes = copyFromUser(currentMm(task), addr, Number(length));
    return mqSend(task, queue, { priority: uint(priority), bytes }, { ms, flags: file.flags });
  },
  mq_timedreceive(task, fd, addr, length, priority, timeout) {
    const ms = timeLeft(task, timeout);
    const file = filesOf(task).get(int(fd));
    const queue = mqueueOf(file, FMODE_READ);
    if (length < queue.messageSize) fail(EMSGSIZE);
    const message = mqReceive(task, queue, { ms, flags: file.flags });
    if (message === null) return -ERESTARTSYS;
    if (priority !== 0) writeU32s(task, priority, message.priority);
    writeUser(task, addr, message.bytes);
    return message.bytes.length;
  },
  mq_notify(task, fd, event) {
    const given = event === 0 ? null : notification(task, readUser(task, event, SIGEVENT_SIZE));
    return notify(task, mqueueOf(filesOf(task).get(int(fd))), given);
  },
  mq_getsetattr(task, fd, given, old) {
    const flags = given === 0 ? null : Number(readUser(task, given, 8).getBigInt64(0, true));
    if (flags !== null && (flags & ~O_NONBLOCK) !== 0) fail(EINVAL);
    const file = filesOf(task).get(int(fd));
    const queue = mqueueOf(file);
    const before = attributes(queue, file.flags & O_NONBLOCK);
    if (flags !== null) file.flags = (file.flags & ~O_NONBLOCK) | flags;
    if (old !== 0) writeUser(task, old, before);
    return 0;
  },
};

/** Milliseconds until a moment of the wall clock; for ever without one. @throws {LinuxError} EINVAL, EFAULT */
function timeLeft(task: TaskStruct, timeout: U64): number {
  return timeout === 0 ? Infinity : readTimespec(task, timeout) - wallTime(task);
}

/** @throws {LinuxError} ENOENT: no name; EACCES: one of a directory; ENAMETOOLONG */
function checkName(name: string): string {
  if (name === '') fail(ENOENT);
  if (name === '.' || name === '..' || name.includes('/')) fail(EACCES);
  return name.length > NAME_MAX ? fail(ENAMETOOLONG) : name;
}

/**
 * @throws {LinuxError} EACCES: the name, or not permitted; ENOENT, EEXIST; EINVAL: flags, attributes; ENOSPC: too
 * many queues; EMFILE: no descriptor, or over RLIMIT_MSGQUEUE
 * @see ipc/mqueue.c, do_mq_open()
 */
function open(
  task: TaskStruct,
  given: string,
  flags: number,
  made: { readonly mode: number; readonly attr: DataView | null },
): number {
  const { vfs } = fsOf(task);
  const files = filesOf(task);
  const fd = files.lowestFree(nofileLimit(task));
  const name = checkName(given);
  const known = mqueuesOf(vfs).byName.get(name);
  const access = flags & O_ACCMODE;
  if (known === undefined && (flags & O_CREAT) === 0) fail(ENOENT);
  if (known !== undefined) {
    if ((flags & O_CREAT) !== 0 && (flags & O_EXCL) !== 0) fail(EEXIST);
    if (access === O_ACCMODE) fail(EINVAL);
    inodePermission(task, known, ACCESS[access] ?? 0);
  }
  const inode = known ?? make(task, name, made);
  const dentry = new Dentry(`/${name}`, null, inode, ownName);
  const mode = (MODES[access] ?? 0) | FMODE_LSEEK | FMODE_PREAD;
  const path = { mnt: vfs.pipeMount, dentry };
  const file = new File(path, access | (flags & O_NONBLOCK), mode, task.cred, mqueueOperations);
  files.install(fd, file, true);
  return fd;
}

/** @see ipc/mqueue.c, mqueue_create_attr() and mqueue_get_inode() */
function make(
  task: TaskStruct,
  name: string,
  { mode, attr }: { readonly mode: number; readonly attr: DataView | null },
): Inode {
  const { vfs, umask } = fsOf(task);
  const { byName } = mqueuesOf(vfs);
  const { cred, kernel, group } = task;
  const may = capable(task, kernel.initUserNs, CAP_SYS_RESOURCE);
  if (byName.size >= QUEUES_MAX && !may) fail(ENOSPC);
  const [messages, size] = attr === null ? [MSG_MAX, MSGSIZE_MAX] : sizes(attr, may);
  const queue = new Mqueue(messages, size);
  const own = [...byName.values()].filter(({ uid }) => uid === cred.fsuid);
  const used = own.reduce((sum, { privateData }) => sum + (privateData as Mqueue).footprint, 0);
  if (used + queue.footprint > group.rlimits.soft(RLIMIT_MSGQUEUE)) fail(EMFILE);
  const bits = S_IFREG | (mode & 0o777 & ~umask);
  const { fsuid, fsgid } = cred;
  const inode = new Inode(vfs.pipefs, bits, fsuid, fsgid, mqueueInodeOperations, mqueueOperations);
  inode.privateData = queue;
  inode.fixedSize = 80;
  byName.set(name, inode);
  return inode;
}

/** @see ipc/mqueue.c, mq_attr_ok() */
function sizes(attr: DataView, may: boolean): readonly [number, number] {
  const [messages, size] = [attr.getBigInt64(8, true), attr.getBigInt64(16, true)];
  const most = may ? [HARD_MSGMAX, HARD_MSGSIZEMAX] : [MSG_MAX, MSGSIZE_MAX];
  if (messages <= 0n || size <= 0n) fail(EINVAL);
  if (messages > BigInt(most[0] ?? 0) || size > BigInt(most[1] ?? 0)) fail(EINVAL);
  return [Number(messages), Number(size)];
}

/** @throws {LinuxError} ENOENT: no such queue; EPERM: another's */
function unlink(task: TaskStruct, given: string): number {
  const { byName } = mqueuesOf(fsOf(task).vfs);
  const name = checkName(given);
  const inode = byName.get(name) ?? fail(ENOENT);
  // The directory is sticky, and root's.
  const own = task.cred.fsuid === inode.uid || task.cred.fsuid === 0;
  if (!own && !capable(task, task.kernel.initUserNs, CAP_FOWNER)) fail(EPERM);
  byName.delete(name);
  inode.dropNlink();
  return 0;
}

/** @throws {LinuxError} EINVAL: no way to tell, no signal */
function notification({ group }: TaskStruct, view: DataView): MqNotify {
  const [signal, how] = [view.getInt32(8, true), view.getInt32(12, true)];
  if (how !== SIGEV_SIGNAL && how !== SIGEV_NONE) fail(EINVAL);
  if (how === SIGEV_SIGNAL && (signal < 0 || signal > NSIG)) fail(EINVAL);
  return { group, notify: how, signal, value: view.getBigUint64(0, true) };
}

/** @throws {LinuxError} EBUSY: another is to be told already; @see ipc/mqueue.c, do_mq_notify() */
function notify({ group }: TaskStruct, queue: Mqueue, given: MqNotify | null): number {
  const living = queue.notify !== null && queue.notify.group.threads.length > 0;
  if (given === null) {
    if (queue.notify?.group === group) queue.notify = null;
    return 0;
  }
  if (living) fail(EBUSY);
  queue.notify = given;
  return 0;
}

/**
 *     struct mq_attr   0 mq_flags   8 mq_maxmsg   16 mq_msgsize   24 mq_curmsgs   …   64
 */
function attributes(queue: Mqueue, flags: number): DataView {
  const view = new DataView(new ArrayBuffer(MQ_ATTR_SIZE));
  [flags, queue.maxMessages, queue.messageSize, queue.messages.length].forEach((value, i) => {
    view.setBigInt64(8 * i, BigInt(value), true);
  });
  return view;
}
