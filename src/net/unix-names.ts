import {
  EADDRINUSE,
  ECONNREFUSED,
  EEXIST,
  EINVAL,
  EPERM,
  EPROTOTYPE,
} from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { decodeName, encodeName } from '../mm/name-bytes.js';
import { AT_FDCWD } from '../vfs/flags.js';
import { fsOf } from '../vfs/fs-struct.js';
import { MAY_WRITE, S_IFMT, S_IFSOCK, S_IRWXUGO } from '../vfs/mode.js';
import { filenameLookup, LOOKUP_FOLLOW } from '../vfs/namei.js';
import { filenameCreate, mayCreate } from '../vfs/namei-modify.js';
import { inodePermission } from '../vfs/permission.js';
import { netOf } from './net-namespace.js';
import { AF_UNIX } from './socket.js';
import type { UnixSocket } from './unix-socket.js';

/** Bytes of struct sockaddr_un at most. */
const SOCKADDR_UN_SIZE = 110;
/** What an abstract name begins with. */
const ABSTRACT = '\0';
/** Abstract names that the kernel chooses: five hex digits (unix_autobind()). */
const AUTOBIND_DIGITS = 5;

/**
 * The name in a struct sockaddr_un: a path, a NUL and an abstract name, or nothing.
 * @throws {LinuxError} EINVAL: too short, too long, or of another family
 * @see net/unix/af_unix.c unix_validate_addr()
 */
export function unixName(address: Uint8Array): string {
  const { length } = address;
  const family = length < 2 ? -1 : (address[0] as number) | ((address[1] as number) << 8);
  if (length > SOCKADDR_UN_SIZE || family !== AF_UNIX) fail(EINVAL);
  const bytes = address.subarray(2);
  if (bytes.length === 0) return '';
  if (bytes[0] === 0) return decodeName(bytes);
  const nul = bytes.indexOf(0);
  return decodeName(nul < 0 ? bytes : bytes.subarray(0, nul));
}

/** A struct sockaddr_un of a name; only the family without one. */
export function unixAddress(name: string): Uint8Array {
  const path = encodeName(name);
  const terminated = name === '' || name.startsWith(ABSTRACT) ? 0 : 1;
  const bytes = new Uint8Array(2 + path.length + terminated);
  bytes[0] = AF_UNIX;
  bytes.set(path, 2);
  return bytes;
}

/**
 * The socket that an address names.
 * @throws {LinuxError} ECONNREFUSED: nobody has it; EPROTOTYPE: another type; the walk's; EACCES
 * @see net/unix/af_unix.c unix_find_other()
 */
export function findSocket(task: TaskStruct, name: string, type: number): UnixSocket {
  const found = name.startsWith(ABSTRACT)
    ? (netOf(task.kernel).unixNames.get(name) ?? null)
    : namedSocket(task, name);
  if (found === null || found.closed) fail(ECONNREFUSED);
  return found.type === type ? found : fail(EPROTOTYPE);
}

function namedSocket(task: TaskStruct, name: string): UnixSocket | null {
  const { inode } = filenameLookup(task, AT_FDCWD, name, LOOKUP_FOLLOW).dentry;
  inodePermission(task, inode, MAY_WRITE);
  if ((inode.mode & S_IFMT) !== S_IFSOCK) return null;
  return (inode.privateData as UnixSocket | null | undefined) ?? null;
}

/**
 * An address for a socket; an empty name has the kernel choose one.
 * @throws {LinuxError} EINVAL: it has one; EADDRINUSE; the walk's; EROFS; EACCES
 * @see net/unix/af_unix.c unix_bind()
 */
export function bindName(task: TaskStruct, socket: UnixSocket, name: string): void {
  if (name === '' && socket.name !== null) return;
  if (socket.name !== null) fail(EINVAL);
  if (name !== '' && !name.startsWith(ABSTRACT)) {
    makeNode(task, socket, name);
    socket.name = name;
    return;
  }
  const { unixNames } = netOf(task.kernel);
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
