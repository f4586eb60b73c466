import type { Cred } from '../kernel/cred.js';
import type { Kernel } from '../kernel/kernel.js';
import { noDeviceOperations } from './device.js';
import { Dentry } from './dentry.js';
import type { Path } from './dentry.js';
import { FdTable } from './fdtable.js';
import { File } from './file.js';
import type { FileOperations } from './file.js';
import { FsStruct } from './fs-struct.js';
import { createHostFs } from './host-fs.js';
import type { HostDirectory } from './host-fs.js';
import { Inode } from './inode.js';
import { CHAR_DEVICES, populateRoot } from './init-tree.js';
import { isLnk, S_IFDIR, S_IFREG } from './mode.js';
import { Mount } from './mount.js';
import { SuperBlock } from './super-block.js';
import type { SuperBlockOptions } from './super-block.js';
import { createTmpfs, makeTmpfsInode } from './tmpfs.js';

/** Choices for the files of a machine. */
export interface VfsOptions {
  /** The time files are stamped with: milliseconds since the epoch (default: the host's). */
  readonly now?: () => number;
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
  readonly charDevices: ReadonlyMap<number, FileOperations> = CHAR_DEVICES;
  /** Every mount in the tree, in the order of mounting. */
  readonly mounts: Mount[] = [];
  /** Files without a place in the tree: memfds and shared anonymous memory, then pipes. */
  readonly shm: SuperBlock;
  readonly shmMount: Mount;
  readonly pipefs: SuperBlock;
  readonly pipeMount: Mount;
  /** The top of the tree. */
  readonly root: Path;
  private lastDev = 0;
  private lastMount = 0;

  constructor(kernel: Kernel, options: VfsOptions = {}) {
    this.kernel = kernel;
    this.now = options.now ?? Date.now;
    this.shm = this.newSuperBlock('tmpfs');
    this.shmMount = this.kernMount(this.shm);
    this.pipefs = this.newSuperBlock('pipefs');
    this.pipeMount = this.kernMount(this.pipefs);
    const dentry = createTmpfs(this.newSuperBlock('tmpfs'), 0o755);
    this.root = { mnt: this.addMount(dentry, null), dentry };
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

  /** Mounts a file system on a path, whose missing directories are made. */
  mount(path: string, root: Dentry): Mount {
    const at = this.makeDirectory(path);
    const mount = this.addMount(root, at);
    at.dentry.mounted = mount;
    return mount;
  }

  /** Mounts a directory of the host, read-only. */
  mountHost(path: string, host: HostDirectory): Mount {
    return this.mount(path, createHostFs(this, host));
  }

  /**
   * Makes the directories of an absolute path that are missing, as root, the last with `mode`;
   * gives that one.
   */
  makeDirectory(path: string, mode = 0o755): Path {
    let at = this.root;
    const names = path.split('/').filter((part) => part !== '');
    for (const [i, name] of names.entries()) {
      let dentry = at.dentry.children.get(name);
      if (dentry === undefined) {
        const bits = i === names.length - 1 ? mode : 0o755;
        const inode = makeTmpfsInode(at.dentry.inode.sb, { uid: 0, gid: 0 }, S_IFDIR | bits);
        dentry = this.addEntry(at, name, inode);
        at.dentry.inode.nlink += 1;
      }
      if (isLnk(dentry.inode.mode)) {
        const target = String(dentry.inode.privateData);
        const dir = target.startsWith('/') ? '' : `/${names.slice(0, i).join('/')}/`;
        at = this.makeDirectory(dir + target);
      } else {
        at = this.crossMounts({ mnt: at.mnt, dentry });
      }
    }
    return at;
  }

  /**
   * Puts a regular file at an absolute path, whose missing directories are made; replaces what is
   * there.
   */
  addFile(path: string, contents: Uint8Array, options: NewFileOptions = {}): Dentry {
    const { mode = 0o644, uid = 0, gid = 0 } = options;
    const slash = path.lastIndexOf('/');
    const dir = this.makeDirectory(path.slice(0, slash));
    const old = dir.dentry.children.get(path.slice(slash + 1));
    const inode = makeTmpfsInode(dir.dentry.inode.sb, { uid, gid }, S_IFREG | mode);
    inode.pages?.write(0, contents);
    const dentry = this.addEntry(dir, path.slice(slash + 1), inode);
    if (old !== undefined) {
      old.hashed = false;
      old.inode.dropNlink();
    }
    return dentry;
  }

  /** Hangs an inode into a directory of an in-memory file system. */
  addEntry(dir: Path, name: string, inode: Inode): Dentry {
    const dentry = new Dentry(name, dir.dentry, inode);
    dir.dentry.children.set(name, dentry);
    return dentry;
  }

  /** An open file of a path, without any permission check: for loaders. */
  openPath(path: Path, flags: number, mode: number, cred: Readonly<Cred>): File {
    return new File(path, flags, mode, cred, path.dentry.inode.fops);
  }

  private crossMounts(path: Path): Path {
    let at = path;
    while (at.dentry.mounted !== null) {
      at = { mnt: at.dentry.mounted, dentry: at.dentry.mounted.root };
    }
    return at;
  }

  private addMount(root: Dentry, at: Path | null): Mount {
    this.lastMount += 1;
    const mount = new Mount(this.lastMount, root, at);
    this.mounts.push(mount);
    return mount;
  }

  /** A mount outside the tree (kern_mount()). */
  private kernMount(sb: SuperBlock): Mount {
    this.lastMount += 1;
    const inode = new Inode(sb, S_IFDIR | 0o555, 0, 0, {}, noDeviceOperations);
    return new Mount(this.lastMount, new Dentry('', null, inode), null);
  }
}
