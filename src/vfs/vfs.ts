import { EACCES, EBUSY, EINVAL, EISDIR, ENOMEM, EPERM, EROFS } from '../../assembly/abi/errno.js';
import { fail, LinuxError } from '../errno.js';
import type { Cred } from '../kernel/cred.js';
import type { Kernel } from '../kernel/kernel.js';
import { noDeviceOperations } from './device.js';
import { Dentry, pathEqual } from './dentry.js';
import type { Path } from './dentry.js';
import { Devpts } from './devpts.js';
import { FdTable } from './fdtable.js';
import { File } from './file.js';
import type { FileOperations } from './file.js';
import { AT_FDCWD } from './flags.js';
import { FsStruct } from './fs-struct.js';
import { type HostDirectory, type HostOwner, isWritable } from './host-directory.js';
import { createHostFs } from './host-fs.js';
import { HOST_WRITE_TABLES } from './host-write.js';
import { Inode } from './inode.js';
import { createLowerTmpfs } from './lower.js';
import { CHAR_DEVICES, populateRoot } from './init-tree.js';
import type { Inotify } from './inotify.js';
import { isDir, S_IALLUGO, S_IFDIR, S_IFREG } from './mode.js';
import { Mount } from './mount.js';
import { filenameLookup, lookupOne, LOOKUP_DIRECTORY, LOOKUP_FOLLOW } from './namei.js';
import { filenameCreate } from './namei-modify.js';
import { SuperBlock } from './super-block.js';
import type { SuperBlockOptions } from './super-block.js';
import type { Tty } from './tty.js';
import { createTmpfs, link, makeTmpfsInode } from './tmpfs.js';

/** Choices for the files of a machine. */
export interface VfsOptions {
  /** The time files are stamped with: milliseconds since the epoch (default: the host's). */
  readonly now?: () => number;
  /** A directory of the host that the tree begins with, copied on write (default: an empty one). */
  readonly root?: HostDirectory;
}

/** What a file put into the tree from outside is to be. */
export interface NewFileOptions {
  /** Permission bits (default 0644). */
  readonly mode?: number;
  /** kuid and kgid of the owner (default 0). */
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * The files of one machine: its mount tree and the file systems outside it. A new one has /, /dev,
 * /dev/shm and the usual directories; whoever builds the machine mounts /proc.
 */
export class Vfs {
  readonly kernel: Kernel;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** What character devices do, by encoded device number. */
  get charDevices(): ReadonlyMap<number, FileOperations> {
    return CHAR_DEVICES;
  }

  /** Every mount in the tree, in the order of mounting. */
  readonly mounts: Mount[] = [];
  /** Files without a place in the tree: memfds and shared anonymous memory, then pipes. */
  readonly shm: SuperBlock;
  readonly shmMount: Mount;
  readonly pipefs: SuperBlock;
  private readonly internal = new Map<string, SuperBlock>();
  readonly pipeMount: Mount;
  /** The top of the tree. */
  readonly root: Path;
  /** /dev/console: the terminal that the host gave last; null without one. */
  tty: Tty | null = null;
  /** Inotify descriptors that are open. */
  readonly inotifies = new Set<Inotify>();
  /** Pseudo terminals. */
  readonly devpts: Devpts;
  private lastDev = 0;
  private lastMount = 0;
  private lastEventfd = 0;
  private lastCookie = 0;

  constructor(kernel: Kernel, options: VfsOptions = {}) {
    this.kernel = kernel;
    this.now = options.now ?? Date.now;
    this.shm = this.newSuperBlock('tmpfs');
    this.shmMount = this.kernMount(this.shm);
    this.pipefs = this.newSuperBlock('pipefs');
    this.pipeMount = this.kernMount(this.pipefs);
    this.devpts = new Devpts(this);
    const sb = this.newSuperBlock('tmpfs');
    const { root } = options;
    const dentry = root === undefined ? createTmpfs(sb, 0o755) : createLowerTmpfs(sb, root);
    this.root = { mnt: this.addMount(dentry, null), dentry };
    kernel.init.fs = this.newFsStruct(); // it makes what is put into the tree from outside
    populateRoot(this);
  }

  /** The mount at the top of the tree. */
  get rootMount(): Mount {
    return this.root.mnt;
  }

  /** An empty descriptor table for a first task. */
  newFdTable(): FdTable {
    return new FdTable();
  }

  /** Root and working directory at the top of the tree, umask 022, for a first task. */
  newFsStruct(): FsStruct {
    return new FsStruct(this, this.root, this.root);
  }

  /** A file system of a type, with a device number of its own. */
  newSuperBlock(type: string, options: SuperBlockOptions = {}): SuperBlock {
    this.lastDev += 1;
    return new SuperBlock(this, type, this.lastDev, options);
  }

  /**
   * Mounts a file system on a directory, made where it is missing.
   * @throws {LinuxError} EBUSY: the top of the tree, which tasks already have as their root; as
   *   makeDirectory()
   */
  mount(path: string, root: Dentry): Mount {
    const at = this.makeDirectory(path);
    if (pathEqual(at, this.root)) fail(EBUSY);
    const mount = this.addMount(root, at);
    at.dentry.mounted = mount;
    return mount;
  }

  /**
   * Mounts a directory of the host; one that can be written is.
   * @throws {LinuxError} ENOENT, ENOTDIR, EIO: the host has no such directory; as mount()
   */
  mountHost(path: string, host: HostDirectory, owner?: HostOwner): Mount {
    const tables = isWritable(host) ? HOST_WRITE_TABLES : null;
    return this.mount(path, createHostFs(this, host, owner, tables));
  }

  /**
   * Walks an absolute path as root and makes the directories that are missing, the last with
   * `mode`; gives that one.
   * @throws {LinuxError} EINVAL: the path is not absolute; ENOTDIR, ELOOP, ENAMETOOLONG: the walk;
   *   EROFS, EPERM, ENOENT (/proc): the file system takes none; EEXIST: a link to nothing
   */
  makeDirectory(path: string, mode = 0o755): Path {
    checkAbsolute(path);
    let at = this.root;
    let walked = '';
    const names = path.split('/').filter((part) => part !== '');
    for (const [i, name] of names.entries()) {
      walked += `/${name}`;
      at = this.lookUpDirectory(walked) ?? this.mkdir(walked, i < names.length - 1 ? 0o755 : mode);
    }
    return at;
  }

  private lookUpDirectory(path: string): Path | null {
    try {
      const { init } = this.kernel;
      return filenameLookup(init, AT_FDCWD, path, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
    } catch (error) {
      if (error instanceof LinuxError && error.code === 'ENOENT') return null;
      throw error;
    }
  }

  private mkdir(path: string, mode: number): Path {
    const { init } = this.kernel;
    const { dir, name } = filenameCreate(init, AT_FDCWD, path, true);
    const make = dir.dentry.inode.iops.mkdir ?? fail(EPERM);
    return { mnt: dir.mnt, dentry: make(init, dir.dentry, name, mode) };
  }

  /**
   * Puts a regular file at an absolute path, whose missing directories are made; takes the place of
   * a file or link that is there.
   * @throws {LinuxError} EISDIR: the path names a directory; EACCES: the file system takes no
   *   files; ENOMEM; as makeDirectory()
   * @throws {TypeError} contents that are no bytes
   * @throws {RangeError} a mode that is no permission bits
   */
  addFile(path: string, contents: Uint8Array, options: NewFileOptions = {}): Dentry {
    const { mode = 0o644, uid = 0, gid = 0 } = options;
    if (!(contents instanceof Uint8Array)) throw new TypeError('contents: must be a Uint8Array');
    if (!Number.isInteger(mode) || mode < 0 || mode > S_IALLUGO) {
      throw new RangeError('mode: must be permission bits from 0 to 0o7777');
    }
    checkAbsolute(path);
    const { dir, name, old } = this.placeForFile(path);
    const { inode: parent } = dir.dentry;
    const inode = makeTmpfsInode(parent.sb, { uid, gid }, S_IFREG | mode);
    if ((inode.pages?.write(0, contents) ?? 0) < contents.length) {
      inode.dropNlink();
      fail(ENOMEM);
    }
    if (old !== null) parent.iops.unlink?.(this.kernel.init, dir.dentry, old);
    return this.addEntry(dir, name, inode);
  }

  private placeForFile(path: string): { dir: Path; name: string; old: Dentry | null } {
    const { init } = this.kernel;
    const slash = path.lastIndexOf('/');
    const last = path.slice(slash + 1);
    if (last === '' || last === '.' || last === '..') fail(EISDIR);
    const dir = this.makeDirectory(path.slice(0, slash + 1));
    const old = lookupOne(init, dir.dentry, last);
    if (old !== null && isDir(old.inode.mode)) fail(EISDIR);
    if (dir.mnt.readOnly) fail(EROFS);
    if (dir.dentry.inode.iops.mknod === undefined) fail(EACCES);
    return { dir, name: last, old };
  }

  /** Hangs an inode into a directory of an in-memory file system. */
  addEntry(dir: Path, name: string, inode: Inode): Dentry {
    return link(dir.dentry, name, inode);
  }

  /** An open file of a path, without any permission check: for loaders. */
  openPath(path: Path, flags: number, mode: number, cred: Readonly<Cred>): File {
    return new File(path, flags, mode, cred, path.dentry.inode.fops);
  }

  /** The number of a new eventfd. */
  nextEventfd(): number {
    this.lastEventfd += 1;
    return this.lastEventfd;
  }

  /** A number that both events of a rename have. */
  nextCookie(): number {
    this.lastCookie += 1;
    return this.lastCookie;
  }

  private addMount(root: Dentry, at: Path | null): Mount {
    this.lastMount += 1;
    const mount = new Mount(this.lastMount, root, at);
    this.mounts.push(mount);
    return mount;
  }

  /** The file system of a type that is mounted nowhere in the tree, made when it is first needed. */
  internalSuperBlock(type: string): SuperBlock {
    const known = this.internal.get(type);
    if (known !== undefined) return known;
    const sb = this.newSuperBlock(type);
    this.internal.set(type, sb);
    return sb;
  }

  /** A mount outside the tree (kern_mount()). */
  private kernMount(sb: SuperBlock): Mount {
    this.lastMount += 1;
    const inode = new Inode(sb, S_IFDIR | 0o555, 0, 0, {}, noDeviceOperations);
    return new Mount(this.lastMount, new Dentry('', null, inode), null);
  }
}

/** @throws {LinuxError} EINVAL: a path that is not absolute, or has a NUL */
function checkAbsolute(path: string): void {
  if (!path.startsWith('/') || path.includes('\0')) fail(EINVAL);
}
