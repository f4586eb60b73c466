import { EIO, ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { HostDirectory, HostStat } from './host-fs.js';

/** What of an fs.Stats is looked at. */
export interface NodeStats {
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** The calls of node:fs that are used; handed in, so that nothing here imports a module of Node. */
export interface NodeFs {
  lstatSync(path: string): NodeStats;
  readdirSync(path: string): string[];
  readlinkSync(path: string): string;
  realpathSync(path: string): string;
  existsSync(path: string): boolean;
  openSync(path: string, flags: number): number;
  fstatSync(fd: number): NodeStats;
  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number;
  closeSync(fd: number): void;
  /** Flags of open; a system without one of them lacks it. */
  readonly constants: {
    readonly O_RDONLY: number;
    readonly O_WRONLY: number;
    readonly O_CREAT: number;
    readonly O_EXCL: number;
    readonly O_DIRECTORY?: number;
    readonly O_NOFOLLOW?: number;
    readonly O_NONBLOCK?: number;
  };
}

/** Linux's flag for a descriptor that only names a place; Node has no constant for it. */
const O_PATH = 0o10000000;
/** Where Linux lets a descriptor be used as a path. */
const FD_DIRECTORY = '/proc/self/fd';

function kindOf(stats: NodeStats): HostStat['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

/** What the host says of an entry. */
export function hostStat(stats: NodeStats): HostStat {
  const { size, mode, mtimeMs } = stats;
  return { kind: kindOf(stats), size, mode: mode & 0o7777, mtimeMs };
}

/** Bytes read; fewer than asked for only at the end of the file. */
function readFully(fs: NodeFs, fd: number, pos: number, into: Uint8Array): number {
  let done = 0;
  while (done < into.length) {
    const got = fs.readSync(fd, into, done, into.length - done, pos + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

/**
 * A directory of the host through node:fs, from which no path leads out: not by links that were there,
 * nor by those that are put in its place meanwhile.
 *
 * Node has no openat(). On Linux each directory on the way is opened without following a link, through
 * /proc/self/fd of the one before, so that a path of the host has one component only. Elsewhere the parent
 * of what is asked for must really be where its path says, which is looked at before, and not at the moment
 * of, each use.
 */
export class NodeHost implements HostDirectory {
  /** Where it is, for messages. */
  readonly root: string;
  protected readonly fs: NodeFs;
  /** Whether directories can be walked by descriptors. */
  private readonly walks: boolean;

  /**
   * @throws {TypeError} an empty path
   * @throws {Error} a path that leads to no directory; Node's own where it leads nowhere
   */
  constructor(fs: NodeFs, directory: string) {
    if (directory === '') throw new TypeError('directory: must not be empty');
    this.fs = fs;
    this.root = fs.realpathSync(directory);
    if (!fs.lstatSync(this.root).isDirectory()) {
      throw new Error(`${directory}: is not a directory`);
    }
    this.walks = fs.existsSync(FD_DIRECTORY) && (fs.constants.O_NOFOLLOW ?? 0) !== 0;
  }

  /** Flags of an open that follows no link at the last moment, and waits for no pipe. */
  protected get safeFlags(): number {
    const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = this.fs.constants;
    return O_NOFOLLOW | O_NONBLOCK;
  }

  /**
   * Does something with an entry, under a path of the host whose parent is no link.
   * @throws {LinuxError} ENOENT: something on the way is gone, or is no directory
   */
  protected at<T>(path: string, use: (full: string) => T): T {
    if (path === '') return use(this.root);
    const names = path.split('/');
    const name = names.pop() as string;
    if (!this.walks) return use(`${this.realParent(names)}/${name}`);
    const fd = this.openDirectory(names);
    try {
      return use(`${FD_DIRECTORY}/${fd}/${name}`);
    } finally {
      this.fs.closeSync(fd);
    }
  }

  private openDirectory(names: readonly string[]): number {
    const { fs } = this;
    const { O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants;
    const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    let fd = fs.openSync(this.root, flags);
    for (const name of names) {
      const from = fd;
      try {
        fd = fs.openSync(`${FD_DIRECTORY}/${from}/${name}`, flags);
      } catch {
        return fail(ENOENT);
      } finally {
        fs.closeSync(from);
      }
    }
    return fd;
  }

  private realParent(names: readonly string[]): string {
    // The top is '/', and its entries do not begin with two.
    const parent = [this.root === '/' ? '' : this.root, ...names].join('/');
    if (names.length === 0) return parent;
    let real: string;
    try {
      real = this.fs.realpathSync(parent);
    } catch {
      return fail(ENOENT);
    }
    return real === parent ? parent : fail(ENOENT);
  }

  lstat(path: string): HostStat | null {
    try {
      return hostStat(this.at(path, (full) => this.fs.lstatSync(full)));
    } catch {
      return null;
    }
  }

  readdir(path: string): readonly string[] {
    return this.at(path, (full) => {
      if (!this.walks) return this.fs.readdirSync(full);
      // The listing follows a link, so it gets a descriptor instead.
      const { O_DIRECTORY = 0, O_NOFOLLOW = 0 } = this.fs.constants;
      const fd = this.fs.openSync(full, O_DIRECTORY | O_NOFOLLOW);
      try {
        return this.fs.readdirSync(`${FD_DIRECTORY}/${fd}`);
      } finally {
        this.fs.closeSync(fd);
      }
    });
  }

  readlink(path: string): string {
    return this.at(path, (full) => this.fs.readlinkSync(full));
  }

  read(path: string, pos: number, into: Uint8Array): number {
    const { fs } = this;
    const fd = this.at(path, (full) => fs.openSync(full, fs.constants.O_RDONLY | this.safeFlags));
    try {
      if (!fs.fstatSync(fd).isFile()) fail(EIO);
      return readFully(fs, fd, pos, into);
    } finally {
      fs.closeSync(fd);
    }
  }
}

/**
 * A directory of the host, to read.
 * @throws {TypeError} an empty path
 * @throws {Error} a path that leads to no directory; Node's own where it leads nowhere
 */
export function nodeHostDirectory(fs: NodeFs, directory: string): HostDirectory {
  return new NodeHost(fs, directory);
}
