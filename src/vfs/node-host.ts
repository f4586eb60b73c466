import { EIO, ENOENT, EROFS } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { HostDirectory, HostFile, HostStat } from './host-directory.js';

/** What of an fs.Stats is looked at. */
export interface NodeStats {
  readonly size: number;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly dev: number;
  readonly ino: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** The calls of node:fs that are used; handed in, so that nothing here imports a module of Node. */
export interface NodeFs {
  lstatSync(path: string): NodeStats;
  lstatSync(path: string, options: { readonly throwIfNoEntry: false }): NodeStats | undefined;
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
    readonly O_RDWR: number;
    readonly O_CREAT: number;
    readonly O_EXCL: number;
    readonly O_DIRECTORY?: number;
    readonly O_NOFOLLOW?: number;
    readonly O_NONBLOCK?: number;
  };
}

/** Linux's flag for a descriptor that only names a place; Node has no constant for it. */
export const O_PATH = 0o10000000;
/** Directories below the top that are kept open; two are in use at once, by a rename. */
const MOST_WALKED = 16;
/** Where Linux lets a descriptor be used as a path. */
export const FD_DIRECTORY = '/proc/self/fd';

function kindOf(stats: NodeStats): HostStat['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

/** What the host says of an entry. */
function hostStat(stats: NodeStats): HostStat {
  const { size, mode, mtimeMs, dev, ino } = stats;
  return { kind: kindOf(stats), size, mode: mode & 0o7777, mtimeMs, id: `${dev}:${ino}` };
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

/** A file of the host by a descriptor. */
export class NodeHostFile implements HostFile {
  protected readonly fs: NodeFs;
  protected readonly fd: number;

  constructor(fs: NodeFs, fd: number) {
    this.fs = fs;
    this.fd = fd;
    forgotten.register(this, () => fs.closeSync(fd), this);
  }

  stat(): HostStat {
    return hostStat(this.fs.fstatSync(this.fd));
  }

  read(pos: number, into: Uint8Array): number {
    return readFully(this.fs, this.fd, pos, into);
  }

  write(_pos: number, _bytes: Uint8Array): void {
    fail(EROFS);
  }

  truncate(_size: number): void {
    fail(EROFS);
  }

  close(): void {
    forgotten.unregister(this);
    this.fs.closeSync(this.fd);
  }
}

/** Closes descriptors whose owner was forgotten: a machine has no end of its own. */
const forgotten = new FinalizationRegistry<() => void>((close) => close());

/**
 * A directory of the host through node:fs, from which no path leads out: not by links that were there,
 * nor by those that are put in its place meanwhile.
 *
 * Node has no openat(). On Linux the directory is opened once, and each directory on the way without
 * following a link, through /proc/self/fd of the one before, so that a path of the host has one component
 * only. Directories stay open for the paths that follow. What happens to the names above the directory later, whoever changes them, does not matter.
 * Elsewhere the parent of what is asked for must really be where its path says, which is looked at before,
 * and not at the moment of, each use.
 */
export class NodeHost implements HostDirectory {
  /** Where it was when it was opened, for messages; no path to walk where there are descriptors. */
  readonly root: string;
  protected readonly fs: NodeFs;
  /** The directory itself; null where directories cannot be walked by descriptors. */
  private readonly top: number | null;
  /** Directories that were walked to, by their paths, the last used last. */
  private readonly walked = new Map<string, number>();

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
    const { O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants;
    const walks = fs.existsSync(FD_DIRECTORY) && O_NOFOLLOW !== 0;
    this.top = walks ? fs.openSync(this.root, O_PATH | O_DIRECTORY | O_NOFOLLOW) : null;
    const { top, walked } = this;
    if (top === null) return;
    forgotten.register(this, () => [top, ...walked.values()].forEach((fd) => fs.closeSync(fd)));
  }

  /** Whether directories can be walked by descriptors. */
  protected get walks(): boolean {
    return this.top !== null;
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
    const { top } = this;
    // The link of a descriptor is itself no directory: "." is what it leads to.
    if (path === '') return use(top === null ? this.root : `${FD_DIRECTORY}/${top}/.`);
    const slash = path.lastIndexOf('/');
    const parent = path.slice(0, Math.max(slash, 0));
    const name = path.slice(slash + 1);
    if (top === null) return use(`${this.realParent(parent)}/${name}`);
    return use(`${FD_DIRECTORY}/${this.directory(top, parent)}/${name}`);
  }

  /**
   * A descriptor of a directory below the top: one that was walked to before, while the system says that it is
   * where its path says, to which no link can have led.
   */
  private directory(top: number, path: string): number {
    if (path === '') return top;
    const { walked } = this;
    const known = walked.get(path);
    const stands = known !== undefined && this.isAt(known, path);
    if (known !== undefined) walked.delete(path);
    if (known !== undefined && !stands) this.fs.closeSync(known);
    const fd = known !== undefined && stands ? known : this.openDirectory(top, path.split('/'));
    walked.set(path, fd);
    for (const [oldest, unused] of walked) {
      if (walked.size <= MOST_WALKED) break;
      walked.delete(oldest);
      this.fs.closeSync(unused);
    }
    return fd;
  }

  /** Whether a descriptor's directory has this path now; not where the top itself was moved. */
  private isAt(fd: number, path: string): boolean {
    return this.fs.readlinkSync(`${FD_DIRECTORY}/${fd}`) === this.hostPath(path);
  }

  /** The top is '/', and its entries do not begin with two. */
  private hostPath(path: string): string {
    return this.root === '/' ? `/${path}` : `${this.root}/${path}`;
  }

  private openDirectory(top: number, names: readonly string[]): number {
    const { fs } = this;
    const { O_DIRECTORY = 0, O_NOFOLLOW = 0 } = fs.constants;
    const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    let fd = top;
    for (const name of names) {
      const from = fd;
      try {
        fd = fs.openSync(`${FD_DIRECTORY}/${from}/${name}`, flags);
      } catch {
        return fail(ENOENT);
      } finally {
        if (from !== top) fs.closeSync(from);
      }
    }
    return fd;
  }

  private realParent(path: string): string {
    const parent = path === '' ? (this.root === '/' ? '' : this.root) : this.hostPath(path);
    if (path === '') return parent;
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
      // A program looks for each of its libraries in many places, and Node's errors are costly.
      const stats = this.at(path, (full) => this.fs.lstatSync(full, { throwIfNoEntry: false }));
      return stats === undefined ? null : hostStat(stats);
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

  open(path: string, _writes: boolean): HostFile {
    return new NodeHostFile(this.fs, this.openFile(path, this.fs.constants.O_RDONLY));
  }

  /** A descriptor of a regular file: nothing else is kept open. */
  protected openFile(path: string, flags: number): number {
    const { fs } = this;
    const fd = this.at(path, (full) => fs.openSync(full, flags | this.safeFlags));
    if (fs.fstatSync(fd).isFile()) return fd;
    fs.closeSync(fd);
    return fail(EIO);
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
