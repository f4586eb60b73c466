import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { notifyChange } from '../vfs/attr.js';
import { bytesOf, byteString } from '../vfs/byte-string.js';
import type { Dentry, Path } from '../vfs/dentry.js';
import type { Iattr } from '../vfs/inode.js';
import { isLnk, MAY_ACCESS, MAY_WRITE, S_IALLUGO } from '../vfs/mode.js';
import { inodePermission } from '../vfs/permission.js';
import { vfsGetattr } from '../vfs/stat.js';
import { doTruncate } from '../vfs/truncate.js';
import {
  ACCESS_IN,
  ATTR_OUT,
  BATCH_FORGET_IN,
  ENTRY_OUT,
  FATTR_ATIME,
  FATTR_ATIME_NOW,
  FATTR_FH,
  FATTR_GID,
  FATTR_MODE,
  FATTR_MTIME,
  FATTR_MTIME_NOW,
  FATTR_SIZE,
  FATTR_UID,
  FORGET_IN,
  FORGET_ONE,
  LINK_IN,
  MKDIR_IN,
  MKNOD_IN,
  RENAME2_IN,
  RENAME_IN,
  SETATTR_IN,
  STATFS_OUT,
} from './abi.js';
import { attributesOf } from './attributes.js';
import { nameOf } from './request.js';
import { NO_REPLY, type Operation, type Session } from './session.js';

/** Bytes of a name, at most: NAME_MAX. */
const NAME_MAX = 255;
const BLOCK_SIZE = 4096;

/** LOOKUP: a name in a directory. */
export const lookup: Operation = (session, request, out) => {
  const dir = session.node(request);
  const name = nameOf(request.body);
  const path = session.walk(request, dir, name);
  const stat = vfsGetattr(session.task(request), path);
  const { id } = session.nodes.found(dir, name, path);
  return ENTRY_OUT.encode({ nodeid: id, ...attributesOf(stat, session.callers) }, out);
};

/** FORGET and BATCH_FORGET: they have no answer. */
export const forget: Operation = (session, { nodeid, body }) => {
  session.nodes.forget(nodeid, FORGET_IN.decode(body).nlookup);
  return NO_REPLY;
};

export const batchForget: Operation = (session, { body }) => {
  const { count } = BATCH_FORGET_IN.decode(body);
  const { size } = FORGET_ONE;
  const last = Math.min(count, Math.floor((body.length - BATCH_FORGET_IN.size) / size));
  for (let i = 0; i < last; i++) {
    const one = FORGET_ONE.decode(body.subarray(BATCH_FORGET_IN.size + i * size));
    session.nodes.forget(one.nodeid, one.nlookup);
  }
  return NO_REPLY;
};

/** GETATTR */
export const getattr: Operation = (session, request, out) =>
  putAttributes(session, session.task(request), session.node(request).path, out);

function putAttributes(session: Session, task: TaskStruct, path: Path, out: Uint8Array): number {
  return ATTR_OUT.encode(attributesOf(vfsGetattr(task, path), session.callers), out);
}

/** SETATTR: chmod, chown, utimes and truncate, by the machine's checks. */
export const setattr: Operation = (session, request, out) => {
  const task = session.task(request);
  const { path } = session.node(request);
  const { dentry } = path;
  const change = SETATTR_IN.decode(request.body);
  if ((change.valid & FATTR_SIZE) !== 0) truncate(session, task, dentry, change);
  const attr = toIattr(session, change);
  if (Object.keys(attr).length > 0) notifyChange(task, dentry, attr);
  return putAttributes(session, task, path, out);
};

type Setattr = ReturnType<typeof SETATTR_IN.decode>;

function truncate(session: Session, task: TaskStruct, dentry: Dentry, change: Setattr): void {
  const viaFile = (change.valid & FATTR_FH) !== 0;
  if (viaFile) session.handles.get(change.fh);
  else inodePermission(task, dentry.inode, MAY_WRITE);
  doTruncate(task, dentry, change.size, viaFile);
}

function toIattr(session: Session, change: Setattr): Iattr {
  const { valid } = change;
  const has = (bit: number): boolean => (valid & bit) !== 0;
  const { users, groups } = session.callers;
  const now = session.vfs.now();
  const timesNow = FATTR_ATIME_NOW | FATTR_MTIME_NOW;
  // Setting the size brings the time of modification along.
  const times = !has(FATTR_SIZE) && has(FATTR_ATIME | FATTR_MTIME);
  const ms = (seconds: number | bigint, nsec: number): number =>
    Number(seconds) * 1000 + nsec / 1e6;
  return {
    ...(has(FATTR_MODE) ? { mode: change.mode & S_IALLUGO } : {}),
    ...(has(FATTR_UID) ? { uid: users.toMachine(change.uid) } : {}),
    ...(has(FATTR_GID) ? { gid: groups.toMachine(change.gid) } : {}),
    ...(times && has(FATTR_ATIME)
      ? { atime: has(FATTR_ATIME_NOW) ? now : ms(change.atime, change.atimensec) }
      : {}),
    ...(times && has(FATTR_MTIME)
      ? { mtime: has(FATTR_MTIME_NOW) ? now : ms(change.mtime, change.mtimensec) }
      : {}),
    ...(times && has(timesNow) ? { touch: true } : {}),
    ...(times && !has(timesNow) ? { timesSet: true } : {}),
  };
}

/**
 * READLINK: the text, which the host walks in its own tree; a link the machine would jump through
 * gives the path it leads to.
 */
export const readlink: Operation = (session, request, out) => {
  const node = session.node(request);
  const task = session.task(request);
  const { dentry } = node.path;
  const { inode } = dentry;
  if (!isLnk(inode.mode)) fail(EINVAL);
  const { iops } = inode;
  const text = session.selfText(node) ?? (iops.readlink ?? iops.getLink)?.(task, inode, dentry);
  if (typeof text !== 'string') fail(EINVAL);
  const bytes = bytesOf(byteString(text));
  out.set(bytes);
  return bytes.length;
};

/** ACCESS: the kernel brings the real ids along as access(2) is to judge by them. */
export const access: Operation = (session, request) => {
  const { inode } = session.node(request).path.dentry;
  const { mask } = ACCESS_IN.decode(request.body);
  if (mask !== 0) inodePermission(session.task(request), inode, (mask & 7) | MAY_ACCESS);
  return 0;
};

/** STATFS: a file system that takes no room. */
export const statfs: Operation = (_session, _request, out) =>
  STATFS_OUT.encode({ bsize: BLOCK_SIZE, frsize: BLOCK_SIZE, namelen: NAME_MAX }, out);

/**
 * MKNOD, MKDIR, SYMLINK, LINK: where the name is not there procfs says so before anyone asks whether
 * the directory takes new ones (proc_pid_lookup(), proc_lookup_de()).
 */
const refuseToMake =
  (header: number): Operation =>
  (session, request) => {
    session.walk(request, session.node(request), nameOf(request.body.subarray(header)));
    fail(EPERM);
  };

export const symlink = refuseToMake(0);
export const mknod = refuseToMake(MKNOD_IN.size);
export const mkdir = refuseToMake(MKDIR_IN.size);
export const link = refuseToMake(LINK_IN.size);

/** UNLINK and RMDIR: no directory of procfs gives names away. */
export const refuse: Operation = () => fail(EPERM);

/** RENAME and RENAME2: the new name is looked for first. */
const refuseToRename =
  (header: number): Operation =>
  (session, request) => {
    const { body } = request;
    const dir = session.nodes.get(RENAME_IN.decode(body).newdir);
    const names = body.subarray(header);
    const from = nameOf(names);
    session.walk(request, session.node(request), from);
    session.walk(request, dir, nameOf(names.subarray(names.indexOf(0) + 1)));
    fail(EPERM);
  };

export const rename = refuseToRename(RENAME_IN.size);
export const rename2 = refuseToRename(RENAME2_IN.size);
