import { EACCES, EINVAL, ENOTDIR, ENOTTY } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { HostBuffer } from '../mm/user.js';
import { bytesOf, byteString } from '../vfs/byte-string.js';
import type { DirEntry, File } from '../vfs/file.js';
import { O_DIRECTORY } from '../vfs/flags.js';
import { fsUmodeToDtype, S_IFDIR } from '../vfs/mode.js';
import { fileOpenRoot } from '../vfs/open.js';
import { vfsRead, vfsWrite, writePosition } from '../vfs/read-write.js';
import {
  CREATE_IN,
  DIRENT,
  FOPEN_DIRECT_IO,
  FSYNC_IN,
  OPEN_IN,
  OPEN_OUT,
  READ_IN,
  RELEASE_IN,
  WRITE_IN,
  WRITE_OUT,
} from './abi.js';
import { nameOf } from './request.js';
import type { Operation } from './session.js';

/** OPEN: files of /proc have no size, so that every read has to come here. */
export const open: Operation = (session, request, out) => {
  const { path } = session.node(request);
  const { flags } = OPEN_IN.decode(request.body);
  const file = fileOpenRoot(session.task(request), path, flags);
  return OPEN_OUT.encode({ fh: session.handles.add(file), openFlags: FOPEN_DIRECT_IO }, out);
};

/** OPENDIR */
export const opendir: Operation = (session, request, out) => {
  const node = session.node(request);
  if (node === session.nodes.root) session.callers.sweep();
  const { flags } = OPEN_IN.decode(request.body);
  const file = fileOpenRoot(session.task(request), node.path, flags | O_DIRECTORY);
  return OPEN_OUT.encode({ fh: session.handles.add(file) }, out);
};

/** CREATE: a name that is not there, or this would be an OPEN. */
export const create: Operation = (session, request) => {
  const name = nameOf(request.body.subarray(CREATE_IN.size));
  session.walk(request, session.node(request), name);
  fail(EACCES);
};

/** READ: straight into the answer. The host does not say whether it was read(2) or pread(2). */
export const read: Operation = (session, request, out) => {
  const { fh, offset, size } = READ_IN.decode(request.body);
  const { file } = session.handles.get(fh);
  const into = new HostBuffer(out.subarray(0, size));
  return vfsRead(session.task(request), file, into, offset);
};

/** WRITE: from the request. */
export const write: Operation = (session, request, out) => {
  const { body } = request;
  const { fh, offset, size } = WRITE_IN.decode(body);
  const bytes = body.subarray(WRITE_IN.size, WRITE_IN.size + size);
  if (bytes.length < size) fail(EINVAL);
  const { file } = session.handles.get(fh);
  const buf = new HostBuffer(bytes);
  const at = writePosition(file, buf, offset);
  const count = vfsWrite(session.task(request), file, buf, at);
  return WRITE_OUT.encode({ size: count }, out);
};

/** RELEASE and RELEASEDIR: the last descriptor was closed. */
export const release: Operation = (session, { body }) => {
  session.handles.release(RELEASE_IN.decode(body).fh);
  return 0;
};

/** FSYNC and FSYNCDIR: EINVAL where the file has no such operation (fs/sync.c vfs_fsync_range()). */
export const fsync: Operation = (session, { body }) => {
  const { file } = session.handles.get(FSYNC_IN.decode(body).fh);
  if (file.fops.fsync === undefined) fail(EINVAL);
  file.fops.fsync(file);
  return 0;
};

/** IOCTL: those of /proc hold addresses of the caller, whose memory is not here. */
export const ioctl: Operation = () => fail(ENOTTY);

/** READDIR: a listing is made when its first entry is read, and kept until it is read again. */
export const readdir: Operation = (session, request, out) => {
  const { fh, offset, size } = READ_IN.decode(request.body);
  const handle = session.handles.get(fh);
  if (offset === 0 || handle.entries === null) {
    handle.entries = list(session.task(request), handle.file);
  }
  const room = out.subarray(0, size);
  let used = 0;
  for (let i = Number(offset); i < handle.entries.length; i++) {
    const length = putEntry(handle.entries[i] as DirEntry, i + 1, room.subarray(used));
    if (length === 0) break;
    used += length;
  }
  return used;
};

function list(task: TaskStruct, file: File): DirEntry[] {
  const { dentry } = file.path;
  const entries = file.fops.iterate?.(task, file) ?? fail(ENOTDIR);
  const type = fsUmodeToDtype(S_IFDIR);
  const dots = [
    { name: '.', ino: dentry.inode.ino, type },
    { name: '..', ino: dentry.parent.inode.ino, type },
  ];
  return [...dots, ...entries];
}

/** Puts an entry; 0 where it does not fit. `off` is where the listing goes on behind it. */
function putEntry({ name, ino, type }: DirEntry, off: number, into: Uint8Array): number {
  const bytes = bytesOf(byteString(name));
  const length = (DIRENT.size + bytes.length + 7) & ~7;
  if (length > into.length) return 0;
  DIRENT.encode({ ino, off, namelen: bytes.length, type }, into);
  into.fill(0, DIRENT.size + bytes.length, length);
  into.set(bytes, DIRENT.size);
  return length;
}
