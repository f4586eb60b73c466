import { EINVAL, EPERM } from '../../assembly/abi/errno.js';
import { PAGE_SIZE } from '../../assembly/abi/page.js';
import { fail } from '../errno.js';
import { setattrCopy, setattrPrepare } from './attr.js';
import { Dentry } from './dentry.js';
import type { File, FileOperations } from './file.js';
import {
  askHost,
  hostFileOperations,
  hostFsOf,
  hostInodeOperations,
  hostPath,
  type HostFs,
  type HostTables,
  type WritableHostDirectory,
} from './host-fs.js';
import type { Inode, InodeOperations } from './inode.js';
import { isDir, isReg, S_IRWXUGO } from './mode.js';
import { pageCacheWrite } from './shmem.js';

const fsOfInode = (inode: Inode): HostFs => inode.privateData as HostFs;
const writer = (fs: HostFs): WritableHostDirectory => fs.host as WritableHostDirectory;

function pathIn(dir: Dentry, name: string): string {
  const parent = hostPath(dir);
  return parent === '' ? name : `${parent}/${name}`;
}

/** Makes something on the host, and looks it up. */
function make(
  dir: Dentry,
  name: string,
  change: (host: WritableHostDirectory, path: string) => void,
): Dentry {
  const fs = hostFsOf(dir);
  askHost(() => change(writer(fs), pathIn(dir, name)));
  const made = fs.lookup(dir, name) ?? fail(EPERM);
  if (isDir(made.inode.mode)) dir.inode.nlink += 1;
  return made;
}

/** The host will no longer have the contents of a file that is in use: all of them are loaded. */
function detach(dentry: Dentry): void {
  const { pages, size } = dentry.inode;
  const page = new Uint8Array(PAGE_SIZE);
  for (let at = 0; pages !== null && at < Number(size); at += PAGE_SIZE) pages.read(at, page);
}

function removed(dir: Dentry, dentry: Dentry): void {
  hostFsOf(dir).unhang(dentry);
  if (!isDir(dentry.inode.mode)) {
    dentry.inode.dropNlink();
    return;
  }
  dentry.inode.nlink = 0;
  dir.inode.nlink -= 1;
}

/** What the entries of a mount do that the machine may write; each change is the host's first. */
export const hostWriteInodeOperations: InodeOperations = {
  ...hostInodeOperations,

  mknod(_task, dir, name, mode) {
    if (!isReg(mode)) fail(EPERM);
    return make(dir, name, (host, path) => host.create(path, mode & S_IRWXUGO));
  },

  mkdir: (_task, dir, name, mode) =>
    make(dir, name, (host, path) => host.mkdir(path, mode & S_IRWXUGO)),

  symlink: (_task, dir, name, target) =>
    make(dir, name, (host, path) => host.symlink(target, path)),

  link(_task, inode, dir, name) {
    const fs = hostFsOf(dir);
    const from = hostPath(fs.nameOf(inode));
    askHost(() => writer(fs).link(from, pathIn(dir, name)));
    inode.nlink += 1;
    dir.children.set(name, new Dentry(name, dir, inode));
  },

  unlink(_task, dir, dentry) {
    detach(dentry);
    askHost(() => writer(hostFsOf(dir)).unlink(hostPath(dentry)));
    removed(dir, dentry);
  },

  rmdir(_task, dir, dentry) {
    askHost(() => writer(hostFsOf(dir)).rmdir(hostPath(dentry)));
    removed(dir, dentry);
  },

  rename(from, toDir, toName, over, exchange) {
    if (exchange) fail(EINVAL);
    const fs = hostFsOf(toDir);
    if (over !== null) detach(over);
    askHost(() => writer(fs).rename(hostPath(from), pathIn(toDir, toName)));
    if (over !== null) removed(toDir, over);
    if (isDir(from.inode.mode)) {
      from.parent.inode.nlink -= 1;
      toDir.inode.nlink += 1;
    }
    fs.unhang(from);
    from.parent = toDir;
    from.name = toName;
    from.hashed = true;
    fs.hang(from);
  },

  /** Who owns a file of the host is not the machine's to say. */
  setattr(task, inode, attr) {
    setattrPrepare(task, inode, attr);
    if ((attr.uid ?? inode.uid) !== inode.uid || (attr.gid ?? inode.gid) !== inode.gid) fail(EPERM);
    const fs = fsOfInode(inode);
    const dentry = fs.nameOf(inode);
    if (dentry.hashed) {
      const path = hostPath(dentry);
      const { mode, size, mtime, atime } = attr;
      if (mode !== undefined) askHost(() => writer(fs).chmod(path, mode & S_IRWXUGO));
      if (size !== undefined) askHost(() => writer(fs).truncate(path, Number(size)));
      else if (mtime !== undefined || atime !== undefined) {
        askHost(() => writer(fs).utimes(path, atime ?? inode.atime, mtime ?? inode.mtime));
      }
    }
    setattrCopy(inode, attr);
    if (attr.size !== undefined && inode.pages === null) inode.fixedSize = attr.size;
  },
};

/** Gives the host bytes of a file that are in its pages. */
function writeBack(file: File, pos: number, length: number): void {
  const { dentry } = file.path;
  if (!dentry.hashed || length <= 0) return;
  const bytes = new Uint8Array(length);
  file.pages.read(pos, bytes);
  askHost(() => writer(hostFsOf(dentry)).write(hostPath(dentry), pos, bytes));
}

/** Gives the host what shared mappings may have changed: the pages in memory that differ from its own. */
function flushMapped(file: File): void {
  if (file.privateData !== MAPPED || !file.path.dentry.hashed) return;
  const { pages } = file;
  const { host } = hostFsOf(file.path.dentry);
  const size = Number(pages.size);
  const path = hostPath(file.path.dentry);
  for (let at = pages.nextCached(0); at !== null; at = pages.nextCached(at + 1)) {
    const pos = at * PAGE_SIZE;
    const length = Math.min(PAGE_SIZE, size - pos);
    if (length <= 0) return;
    const ours = new Uint8Array(length);
    const theirs = new Uint8Array(length);
    pages.read(pos, ours);
    const got = askHost(() => host.read(path, pos, theirs));
    if (got < length || ours.some((byte, i) => byte !== theirs[i])) writeBack(file, pos, length);
  }
}

/** What an open file keeps that was mapped shared. */
const MAPPED = 'mapped';

/** A file of a mount that the machine may write: its pages are written through. */
export const hostWriteFileOperations: FileOperations = {
  ...hostFileOperations,
  write(task, file, buf, pos) {
    const done = pageCacheWrite(task, file, buf, pos);
    writeBack(file, Number(pos), done);
    return done;
  },
  mmap(_task, file, shared) {
    if (shared) file.privateData = MAPPED;
    return file;
  },
  fsync: flushMapped,
  release: flushMapped,
  spliceWrite: true,
};

/** How a writable mount works. */
export const HOST_WRITE_TABLES: HostTables = {
  iops: hostWriteInodeOperations,
  file: hostWriteFileOperations,
};
