import { ENAMETOOLONG, ENOENT, ENOTEMPTY } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { TaskStruct } from '../kernel/task.js';
import { encodeName } from '../mm/name-bytes.js';
import { PageCache } from '../mm/page-cache.js';
import { noDeviceOperations } from './device.js';
import { Dentry } from './dentry.js';
import { directoryOperations } from './directory.js';
import type { FileOperations } from './file.js';
import { NAME_MAX } from './flags.js';
import { Inode } from './inode.js';
import type { InodeOperations } from './inode.js';
import {
  isDir,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISGID,
  S_IRWXUGO,
} from './mode.js';
import { fifoOperations } from './pipe.js';
import { shmemFileOperations } from './shmem.js';
import type { SuperBlock } from './super-block.js';

/** Bytes each name adds to the size of its directory (mm/shmem.c, BOGO_DIRENT_SIZE). */
const BOGO_DIRENT_SIZE = 20;

/** What a file of a type does. */
function fopsOf(sb: SuperBlock, mode: number, rdev: number): FileOperations {
  const type = mode & S_IFMT;
  if (type === S_IFREG) return shmemFileOperations;
  if (type === S_IFDIR) return directoryOperations;
  if (type === S_IFIFO) return fifoOperations;
  if (type === S_IFCHR) return sb.vfs.charDevices.get(rdev) ?? noDeviceOperations;
  return noDeviceOperations;
}

/**
 * Makes an inode of a tmpfs, owned by the caller; below a setgid directory by the directory's
 * group.
 * @param dirOperations what a directory does
 * @see mm/shmem.c shmem_get_inode(), fs/inode.c inode_init_owner()
 */
export function makeTmpfsInode(
  sb: SuperBlock,
  owner: { readonly uid: number; readonly gid: number },
  mode: number,
  rdev = 0,
  dirOperations: InodeOperations = tmpfsDirOperations,
): Inode {
  const iops = (mode & S_IFMT) === S_IFDIR ? dirOperations : tmpfsNodeOperations;
  const inode = new Inode(sb, mode, owner.uid, owner.gid, iops, fopsOf(sb, mode, rdev));
  inode.rdev = rdev;
  if ((mode & S_IFMT) === S_IFREG) {
    inode.pages = new PageCache(sb.vfs.kernel.core, { kind: 'memory' });
  }
  return inode;
}

/** One name more or less in a directory, whose size tells. */
function countEntry(dir: Inode, change: number): void {
  dir.fixedSize = Number(dir.fixedSize) + change * BOGO_DIRENT_SIZE;
}

/** Hangs an inode into a directory under a name. */
export function link(dir: Dentry, name: string, inode: Inode): Dentry {
  const dentry = new Dentry(name, dir, inode);
  dir.setChild(name, dentry);
  countEntry(dir.inode, 1);
  touch(dir.inode);
  return dentry;
}

function unhang(dir: Dentry, dentry: Dentry): void {
  dir.deleteChild(dentry.name);
  dentry.hashed = false;
  countEntry(dir.inode, -1);
  touch(dir.inode);
}

function touch(inode: Inode): void {
  const now = inode.sb.vfs.now();
  inode.mtime = now;
  inode.ctime = now;
}

/** Who owns what the caller makes in a directory, and its mode there. */
function ownerIn(
  task: TaskStruct,
  dir: Inode,
  mode: number,
): { uid: number; gid: number; mode: number } {
  const { fsuid, fsgid } = task.cred;
  if ((dir.mode & S_ISGID) === 0) return { uid: fsuid, gid: fsgid, mode };
  return { uid: fsuid, gid: dir.gid, mode: isDir(mode) ? mode | S_ISGID : mode };
}

function create(task: TaskStruct, dir: Dentry, name: string, wanted: number, rdev = 0): Dentry {
  if (!dir.hashed && !dir.isRoot) fail(ENOENT);
  const { mode, ...owner } = ownerIn(task, dir.inode, wanted);
  const inode = makeTmpfsInode(dir.inode.sb, owner, mode, rdev, dir.inode.iops);
  return link(dir, name, inode);
}

/** What the plain nodes of a tmpfs do: links give their text. */
export const tmpfsNodeOperations: InodeOperations = {
  getLink: (_task, inode) => inode.privateData as string,
};

/**
 * What the directories of a tmpfs do. Their dentries are the directory.
 * @see mm/shmem.c shmem_dir_inode_operations
 */
export const tmpfsDirOperations: InodeOperations = {
  lookup(_task, _dir, name) {
    if (encodeName(name).length > NAME_MAX) fail(ENAMETOOLONG);
    return null;
  },

  mknod: (task, dir, name, mode, rdev) => create(task, dir, name, mode, rdev),

  mkdir(task, dir, name, mode) {
    const dentry = create(task, dir, name, mode | S_IFDIR);
    dir.inode.nlink += 1;
    return dentry;
  },

  symlink(task, dir, name, target) {
    const dentry = create(task, dir, name, S_IFLNK | S_IRWXUGO);
    dentry.inode.privateData = target;
    dentry.inode.fixedSize = encodeName(target).length;
    return dentry;
  },

  link(_task, inode, dir, name) {
    link(dir, name, inode);
    inode.nlink += 1;
    inode.isTmpfile = false;
    inode.ctime = inode.sb.vfs.now();
  },

  unlink(_task, dir, dentry) {
    unhang(dir, dentry);
    dentry.inode.dropNlink();
  },

  rmdir(_task, dir, dentry) {
    if (dentry.children.size > 0) fail(ENOTEMPTY);
    unhang(dir, dentry);
    dentry.inode.nlink = 0;
    dir.inode.nlink -= 1;
  },

  rename(from, toDir, toName, over, exchange) {
    if (exchange) exchangeNames(from, over as Dentry);
    else moveName(from, toDir, toName, over);
  },

  tmpfile(task, dir, mode) {
    const { mode: kept, ...owner } = ownerIn(task, dir.inode, mode);
    const inode = makeTmpfsInode(dir.inode.sb, owner, kept);
    inode.nlink = 0;
    inode.isTmpfile = true;
    const dentry = new Dentry(`#${inode.ino}`, dir, inode);
    dentry.hashed = false;
    return dentry;
  },
};

function moveName(from: Dentry, toDir: Dentry, toName: string, over: Dentry | null): void {
  const fromDir = from.parent;
  if (over !== null) {
    if (isDir(over.inode.mode) && over.children.size > 0) fail(ENOTEMPTY);
    unhang(toDir, over);
    if (isDir(over.inode.mode)) {
      over.inode.nlink = 0;
      toDir.inode.nlink -= 1;
    } else {
      over.inode.dropNlink();
    }
  }
  unhang(fromDir, from);
  rehang(from, toDir, toName);
  if (isDir(from.inode.mode)) {
    fromDir.inode.nlink -= 1;
    toDir.inode.nlink += 1;
  }
  from.inode.ctime = from.inode.sb.vfs.now();
}

/** Puts a dentry that hangs nowhere into a directory. */
function rehang(dentry: Dentry, dir: Dentry, name: string): void {
  dentry.parent = dir;
  dentry.name = name;
  dentry.hashed = true;
  dir.setChild(name, dentry);
  countEntry(dir.inode, 1);
  touch(dir.inode);
}

function exchangeNames(a: Dentry, b: Dentry): void {
  const [aDir, aName, bDir, bName] = [a.parent, a.name, b.parent, b.name];
  unhang(aDir, a);
  unhang(bDir, b);
  rehang(a, bDir, bName);
  rehang(b, aDir, aName);
  const moved = Number(isDir(a.inode.mode)) - Number(isDir(b.inode.mode));
  aDir.inode.nlink -= moved;
  bDir.inode.nlink += moved;
}

/** Makes an empty tmpfs: the dentry of its root, owned by root. */
export function createTmpfs(sb: SuperBlock, mode: number): Dentry {
  return new Dentry('/', null, makeTmpfsInode(sb, { uid: 0, gid: 0 }, S_IFDIR | mode));
}
