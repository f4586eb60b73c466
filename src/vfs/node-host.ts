import { EIO, ENOENT } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { HostDirectory, HostStat } from './host-fs.js';

/** What of an fs.Stats is looked at. */
interface NodeStats {
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
  openSync(path: string, flags: number): number;
  fstatSync(fd: number): NodeStats;
  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number;
  closeSync(fd: number): void;
  /** Flags of open; a system without one of them lacks it. */
  readonly constants: {
    readonly O_RDONLY: number;
    readonly O_NOFOLLOW?: number;
    readonly O_NONBLOCK?: number;
  };
}

function kindOf(stats: NodeStats): HostStat['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  return stats.isSymbolicLink() ? 'link' : 'other';
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
 * A directory of the host through node:fs. The parent of whatever is asked for must really be where
 * its path says: a directory that became a link to elsewhere is gone, not followed.
 * @throws {TypeError} an empty path
 * @throws {Error} a path that leads to no directory; Node's own where it leads nowhere
 */
export function nodeHostDirectory(fs: NodeFs, directory: string): HostDirectory {
  if (directory === '') throw new TypeError('directory: must not be empty');
  const root = fs.realpathSync(directory);
  if (!fs.lstatSync(root).isDirectory()) throw new Error(`${directory}: is not a directory`);
  /** What the paths of entries begin with. */
  const base = root === '/' ? '' : root;
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants;
  // No link is followed at the last moment, and no pipe waited for.
  const openFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;

  /** The host's path of an entry whose parent is no link out of the directory, or null. */
  const resolve = (path: string): string | null => {
    if (path === '') return root;
    const slash = path.lastIndexOf('/');
    const parent = slash < 0 ? root : `${base}/${path.slice(0, slash)}`;
    try {
      return fs.realpathSync(parent) === parent ? `${base}/${path}` : null;
    } catch {
      return null;
    }
  };

  const existing = (path: string): string => {
    const full = resolve(path);
    return full ?? fail(ENOENT);
  };

  return {
    lstat(path) {
      const full = resolve(path);
      if (full === null) return null;
      try {
        const stats = fs.lstatSync(full);
        return {
          kind: kindOf(stats),
          size: stats.size,
          mode: stats.mode & 0o777,
          mtimeMs: stats.mtimeMs,
        };
      } catch {
        return null;
      }
    },
    readdir: (path) => fs.readdirSync(existing(path)),
    readlink: (path) => fs.readlinkSync(existing(path)),
    read(path, pos, into) {
      const fd = fs.openSync(existing(path), openFlags);
      try {
        if (!fs.fstatSync(fd).isFile()) fail(EIO);
        return readFully(fs, fd, pos, into);
      } finally {
        fs.closeSync(fd);
      }
    },
  };
}
