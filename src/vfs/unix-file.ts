import {
  EADDRINUSE,
  EAGAIN,
  ECONNREFUSED,
  EEXIST,
  EFAULT,
  EINVAL,
  EISCONN,
  ENOTSOCK,
  ENOTTY,
  EOPNOTSUPP,
  EPERM,
  EPROTOTYPE,
  ERESTARTSYS,
} from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { putUserU32, type UserBuffer } from '../mm/user.js';
import { Dentry, ownName } from './dentry.js';
import { filesOf, nofileLimit } from './fdtable.js';
import { File, FMODE_READ, FMODE_WRITE, type FileOperations } from './file.js';
import { AT_FDCWD, O_NONBLOCK, O_RDWR } from './flags.js';
import { fsOf } from './fs-struct.js';
import { Inode } from './inode.js';
import { MAY_WRITE, S_IFMT, S_IFSOCK, S_IRWXUGO } from './mode.js';
import { filenameLookup, LOOKUP_FOLLOW } from './namei.js';
import { filenameCreate, mayCreate } from './namei-modify.js';
import { inodePermission } from './permission.js';
import { SOCK_STREAM, UnixSocket } from './unix-socket.js';

const FIONREAD = 0x541b;
/** What an abstract name begins with. */
const ABSTRACT = '\0';
/** Abstract names that the kernel chooses: five hex digits (unix_autobind()). */
const AUTOBIND_DIGITS = 5;

/** The socket of an open file, or null. */
export function socketOf(file: File): UnixSocket | null {
  return file.inode.privateData instanceof UnixSocket && file.fops === socketOperations
    ? file.inode.privateData
    : null;
}

/** The socket of a descriptor. @throws {LinuxError} EBADF; ENOTSOCK: another kind of file */
export function socketFd(task: TaskStruct, fd: number): { file: File; socket: UnixSocket } {
  const file = filesOf(task).get(fd);
  return { file, socket: socketOf(file) ?? fail(ENOTSOCK) };
}

export const isNonblock = (file: File): boolean => (file.flags & O_NONBLOCK) !== 0;

/** @see net/socket.c sock_read_iter() */
function socketRead(_task: TaskStruct, file: File, buf: UserBuffer): number {
  const socket = socketOf(file) as UnixSocket;
  if (buf.length === 0 && socket.type === SOCK_STREAM) return 0;
  let done = 0;
  while (done === 0 || (socket.type === SOCK_STREAM && socket.queue.length > 0)) {
    const message = socket.next(isNonblock(file));
    if (message === null) break;
    const bytes = message.bytes.subarray(0, buf.length - done);
    const stored = buf.copyTo(done, bytes);
    if (stored === 0 && bytes.length > 0) return done === 0 ? fail(EFAULT) : done;
    // A read, unlike recvmsg, has no place for them.
    for (const travelling of message.files) travelling.put();
    socket.drop(stored);
    done += stored;
    if (socket.type !== SOCK_STREAM || done === buf.length) break;
  }
  return done;
}

/** @see net/socket.c sock_write_iter() */
function socketWrite(_task: TaskStruct, file: File, buf: UserBuffer): number {
  const bytes = new Uint8Array(buf.length);
  if (buf.copyFrom(0, bytes) < bytes.length) fail(EFAULT);
  return (socketOf(file) as UnixSocket).send(bytes, [], null, isNonblock(file));
}

/** @see net/socket.c socket_file_ops */
export const socketOperations: FileOperations = {
  read: socketRead,
  write: socketWrite,
  poll: (file) => socketOf(file)?.poll() ?? 0,
  arrivals: (file) => socketOf(file)?.arrivals ?? 0,
  ioctl(task, file, cmd, arg) {
    const socket = socketOf(file) as UnixSocket;
    if (cmd !== FIONREAD) fail(ENOTTY);
    const first = socket.queue[0]?.bytes.length ?? 0;
    const bytes = socket.type === SOCK_STREAM ? socket.queued : first;
    putUserU32(task.mm ?? fail(EFAULT), arg, bytes);
    return 0;
  },
  release: (file) => socketOf(file)?.close(),
  iter: true,
  spliceRead: true,
  spliceWrite: true,
};

/**
 * Opens a descriptor on a socket.
 * @throws {LinuxError} EMFILE
 * @see net/socket.c sock_map_fd()
 */
export function socketGetfd(
  task: TaskStruct,
  socket: UnixSocket,
  how: { readonly nonblock: boolean; readonly cloexec: boolean },
): number {
  const { vfs } = fsOf(task);
  const files = filesOf(task);
  const fd = files.lowestFree(nofileLimit(task));
  const sb = vfs.internalSuperBlock('sockfs');
  const { fsuid, fsgid } = task.cred;
  const inode = new Inode(sb, S_IFSOCK | S_IRWXUGO, fsuid, fsgid, {}, socketOperations);
  inode.privateData = socket;
  const dentry = new Dentry(`socket:[${inode.ino}]`, null, inode, ownName);
  const path = { mnt: vfs.pipeMount, dentry };
  const flags = O_RDWR | (how.nonblock ? O_NONBLOCK : 0);
  const file = new File(path, flags, FMODE_READ | FMODE_WRITE, task.cred, socketOperations);
  files.install(fd, file, how.cloexec);
  return fd;
}

/**
 * The socket that an address names.
 * @throws {LinuxError} ECONNREFUSED: nobody has it; EPROTOTYPE: another type; the walk's; EACCES
 * @see net/unix/af_unix.c unix_find_other()
 */
export function findSocket(task: TaskStruct, name: string, type: number): UnixSocket {
  const found = name.startsWith(ABSTRACT) ? abstractSocket(task, name) : namedSocket(task, name);
  if (found === null || found.closed) fail(ECONNREFUSED);
  return found.type === type ? found : fail(EPROTOTYPE);
}

function abstractSocket(task: TaskStruct, name: string): UnixSocket | null {
  return fsOf(task).vfs.unixNames.get(name) ?? null;
}

function namedSocket(task: TaskStruct, name: string): UnixSocket | null {
  const { inode } = filenameLookup(task, AT_FDCWD, name, LOOKUP_FOLLOW).dentry;
  inodePermission(task, inode, MAY_WRITE);
  if ((inode.mode & S_IFMT) !== S_IFSOCK) return null;
  return inode.privateData instanceof UnixSocket ? inode.privateData : null;
}

/**
 * bind: an address for a socket; an empty name has the kernel choose one.
 * @throws {LinuxError} EINVAL: it has one; EADDRINUSE; the walk's; EROFS; EACCES
 * @see net/unix/af_unix.c unix_bind()
 */
export function bindSocket(task: TaskStruct, socket: UnixSocket, name: string): void {
  if (name === '' && socket.name !== null) return;
  if (socket.name !== null) fail(EINVAL);
  if (name !== '' && !name.startsWith(ABSTRACT)) {
    makeNode(task, socket, name);
    socket.name = name;
    return;
  }
  const { unixNames } = fsOf(task).vfs;
  for (const [known, owner] of unixNames) if (owner.closed) unixNames.delete(known);
  const chosen = name === '' ? freeName(unixNames) : name;
  if (unixNames.has(chosen)) fail(EADDRINUSE);
  unixNames.set(chosen, socket);
  socket.name = chosen;
}

function freeName(names: ReadonlyMap<string, UnixSocket>): string {
  for (let i = 0; i < 16 ** AUTOBIND_DIGITS; i++) {
    const name = ABSTRACT + i.toString(16).padStart(AUTOBIND_DIGITS, '0');
    if (!names.has(name)) return name;
  }
  return fail(EADDRINUSE);
}

function makeNode(task: TaskStruct, socket: UnixSocket, name: string): void {
  try {
    const { dir, name: last } = filenameCreate(task, AT_FDCWD, name, false);
    mayCreate(task, dir.dentry);
    const { mknod } = dir.dentry.inode.iops;
    if (mknod === undefined) fail(EPERM);
    const mode = S_IFSOCK | (S_IRWXUGO & ~fsOf(task).umask);
    mknod(task, dir.dentry, last, mode, 0).inode.privateData = socket;
  } catch (error) {
    if (error instanceof LinuxError && error.errno === -EEXIST) fail(EADDRINUSE);
    throw error;
  }
}

/**
 * connect.
 * @throws {LinuxError} as findSocket(); EISCONN; EINVAL: it listens; ECONNREFUSED: nobody listens there;
 *   EAGAIN, ERESTARTSYS: too many wait there
 * @see net/unix/af_unix.c unix_stream_connect(), unix_dgram_connect()
 */
export function connectSocket(
  task: TaskStruct,
  socket: UnixSocket,
  name: string,
  nonblock: boolean,
): void {
  const other = findSocket(task, name, socket.type);
  if (!socket.connects) {
    socket.peer = other;
    return;
  }
  const { backlog } = other;
  if (backlog === null) fail(ECONNREFUSED);
  if (socket.peer !== null) fail(EISCONN);
  if (socket.backlog !== null) fail(EINVAL);
  if (backlog.length > other.backlogMax) fail(nonblock ? EAGAIN : ERESTARTSYS);
  const accepted = new UnixSocket(socket.type, other.maker);
  accepted.name = other.name;
  socket.join(accepted);
  backlog.push(accepted);
}

/**
 * accept: the connection that has waited longest.
 * @throws {LinuxError} EOPNOTSUPP: datagrams; EINVAL: it does not listen; EAGAIN, ERESTARTSYS: none waits
 * @see net/unix/af_unix.c unix_accept()
 */
export function acceptSocket(socket: UnixSocket, nonblock: boolean): UnixSocket {
  if (!socket.connects) fail(EOPNOTSUPP);
  if (socket.backlog === null) fail(EINVAL);
  return socket.backlog.shift() ?? fail(nonblock ? EAGAIN : ERESTARTSYS);
}
