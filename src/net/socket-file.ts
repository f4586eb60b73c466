import { EFAULT, ENOTSOCK } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { Dentry, ownName } from '../vfs/dentry.js';
import { filesOf, nofileLimit } from '../vfs/fdtable.js';
import { File, FMODE_READ, FMODE_WRITE, type FileOperations } from '../vfs/file.js';
import { O_NONBLOCK, O_RDWR } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { Inode } from '../vfs/inode.js';
import { S_IFSOCK, S_IRWXUGO } from '../vfs/mode.js';
import { deviceIoctl } from './device-ioctl.js';
import { PLAIN } from './message.js';
import { Socket } from './socket.js';
import { receive, sendAll } from './socket-io.js';

/** The socket of an open file, or null. */
export function socketOf(file: File): Socket | null {
  const { privateData } = file.inode;
  return file.fops === socketOperations && privateData instanceof Socket ? privateData : null;
}

/** The socket of a descriptor. @throws {LinuxError} EBADF; ENOTSOCK: another kind of file */
export function socketFd(task: TaskStruct, fd: number): { file: File; socket: Socket } {
  const file = filesOf(task).get(fd);
  return { file, socket: socketOf(file) ?? fail(ENOTSOCK) };
}

export const isNonblock = (file: File): boolean => (file.flags & O_NONBLOCK) !== 0;

const known = (file: File): Socket => socketOf(file) as Socket;

/** @see net/socket.c socket_file_ops */
export const socketOperations: FileOperations = {
  read(task, file, buf) {
    const socket = known(file);
    if (buf.length === 0 && socket.isStream) return 0;
    const got = receive(task, socket, buf, { flags: 0, nonblock: isNonblock(file) });
    // A read, unlike recvmsg, has no place for them.
    for (const travelling of got.files) travelling.put();
    return got.count;
  },
  write: (task, file, buf) => sendAll(task, known(file), buf, PLAIN, isNonblock(file)),
  gathers: true,
  poll: (file) => socketOf(file)?.poll() ?? 0,
  arrivals: (file) => socketOf(file)?.arrivals ?? 0,
  ioctl(task, file, cmd, arg) {
    if (task.mm === null) fail(EFAULT);
    return deviceIoctl(task, cmd, arg) ?? known(file).ioctl(task, file, cmd, arg);
  },
  release(file) {
    const socket = socketOf(file);
    if (socket === null) return;
    socket.closed = true;
    socket.release();
  },
  iter: true,
  spliceRead: true,
  spliceWrite: true,
};

/** How a new descriptor is opened. */
export interface NewDescriptor {
  readonly nonblock: boolean;
  readonly cloexec: boolean;
}

/**
 * Opens a descriptor on a socket.
 * @throws {LinuxError} EMFILE
 * @see net/socket.c sock_map_fd()
 */
export function socketGetfd(task: TaskStruct, socket: Socket, how: NewDescriptor): number {
  const { vfs } = fsOf(task);
  const files = filesOf(task);
  const fd = files.lowestFree(nofileLimit(task));
  const sb = vfs.internalSuperBlock('sockfs');
  const { fsuid, fsgid } = task.cred;
  const inode = new Inode(sb, S_IFSOCK | S_IRWXUGO, fsuid, fsgid, {}, socketOperations);
  inode.privateData = socket;
  socket.ino = inode.ino;
  socket.uid = fsuid;
  const dentry = new Dentry(`socket:[${inode.ino}]`, null, inode, ownName);
  const path = { mnt: vfs.pipeMount, dentry };
  const flags = O_RDWR | (how.nonblock ? O_NONBLOCK : 0);
  const file = new File(path, flags, FMODE_READ | FMODE_WRITE, task.cred, socketOperations);
  files.install(fd, file, how.cloexec);
  return fd;
}
