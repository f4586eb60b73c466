import { EINVAL, ENOENT, EPERM } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { setattrCopy, setattrPrepare } from './attr.js';
import { Dentry } from './dentry.js';
import type { File, FileOperations } from './file.js';
import { askHost, type WritableHostDirectory } from './host-directory.js';
import {
  hostFileOperations,
  hostFsOf,
  hostInodeOperations,
  hostPath,
  type HostFs,
  type HostTables,
} from './host-fs.js';
import type { Iattr, Inode, InodeOperations } from './inode.js';
import { isDir, isReg, S_IALLUGO, S_IRWXUGO } from './mode.js';
import { pageCacheWrite } from './shmem.js';

const fsOfInode = (inode: Inode): HostFs => inode.privateData as HostFs;
const writer = (fs: HostFs): WritableHostDirectory => fs.host as WritableHostDirectory;

function pathIn(dir: Dentry, name: string): string {
  const parent = hostPath(dir);
  return parent === '' ? name : `${parent}/${name}`;
}

/** Makes something on the host, and looks it up. */
function make<T>(
  dir: Dentry,
  name: string,
  change: (host: WritableHostDirectory, path: string) => T,
): { readonly dentry: Dentry; readonly made: T } {
  const fs = hostFsOf(dir);
  const made = askHost(() => change(writer(fs), pathIn(dir, name)));
  const dentry = fs.lookup(dir, name) ?? fail(EPERM);
  if (isDir(dentry.inode.mode)) dir.inode.nlink += 1;
  return { dentry, made };
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
    const create = (host: WritableHostDirectory, path: string) =>
      host.create(path, mode & S_IRWXUGO);
    const { dentry, made } = make(dir, name, create);
    if (made !== null) hostFsOf(dir).keepMade(dentry.inode, made);
    return dentry;
  },

  mkdir: (_task, dir, name, mode) =>
    make(dir, name, (host, path) => host.mkdir(path, mode & S_IRWXUGO)).dentry,

  symlink: (_task, dir, name, target) =>
    make(dir, name, (host, path) => host.symlink(target, path)).dentry,

  link(_task, inode, dir, name) {
    const fs = hostFsOf(dir);
    const from = hostPath(fs.nameOf(inode) ?? fail(ENOENT));
    askHost(() => writer(fs).link(from, pathIn(dir, name)));
    inode.nlink += 1;
    fs.hang(new Dentry(name, dir, inode));
  },

  unlink(_task, dir, dentry) {
    hostFsOf(dir).detach(dentry.inode);
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
    if (over !== null) fs.detach(over.inode);
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
    changeHost(fsOfInode(inode), inode, attr);
    setattrCopy(inode, attr);
    // What the host does not get, set-user-id and the like, the machine does not show.
    if (attr.mode !== undefined) inode.mode &= ~(S_IALLUGO & ~S_IRWXUGO);
    if (attr.size !== undefined && inode.pages === null) inode.fixedSize = attr.size;
  },
};

/** Changes the host's file; a size through the file that is open, the rest by one of its names. */
function changeHost(fs: HostFs, inode: Inode, attr: Iattr): void {
  const contents = fs.contentsOf(inode);
  const name = fs.nameOf(inode);
  const { mode, mtime, atime } = attr;
  const size = attr.size === undefined ? undefined : Number(attr.size);
  if (size !== undefined && contents !== undefined) contents.truncate(size);
  if (name === null) return;
  const path = hostPath(name);
  if (mode !== undefined) askHost(() => writer(fs).chmod(path, mode & S_IRWXUGO));
  if (size !== undefined) {
    if (contents === undefined) askHost(() => writer(fs).truncate(path, size));
  } else if (mtime !== undefined || atime !== undefined) {
    askHost(() => writer(fs).utimes(path, atime ?? inode.atime, mtime ?? inode.mtime));
  }
}

const flush = (file: File): void => fsOfInode(file.inode).contentsOf(file.inode)?.flush();

/** A file of a mount that the machine may write: its pages are written through. */
export const hostWriteFileOperations: FileOperations = {
  ...hostFileOperations,
  write(task, file, buf, pos) {
    const done = pageCacheWrite(task, file, buf, pos);
    fsOfInode(file.inode).contentsOf(file.inode)?.writeBack(Number(pos), done);
    return done;
  },
  mmap(_task, file, shared) {
    const contents = fsOfInode(file.inode).contentsOf(file.inode);
    if (shared && contents !== undefined) contents.mapped = true;
    return file;
  },
  fsync: flush,
  release: flush,
  spliceWrite: true,
};

/** How a writable mount works. */
export const HOST_WRITE_TABLES: HostTables = {
  iops: hostWriteInodeOperations,
  file: hostWriteFileOperations,
};
