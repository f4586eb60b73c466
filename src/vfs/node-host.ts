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
  openSync(path: string, flags: string): number;
  readSync(fd: number, into: Uint8Array, offset: number, length: number, position: number): number;
  closeSync(fd: number): void;
}

function kindOf(stats: NodeStats): HostStat['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'dir';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

/**
 * A directory of the host through node:fs. The parent of whatever is asked for must really be where
 * its path says: a directory that became a link to elsewhere is gone, not followed.
 */
export function nodeHostDirectory(fs: NodeFs, directory: string): HostDirectory {
  const root = fs.realpathSync(directory);

  /** The host's path of an entry whose parent is no link out of the directory, or null. */
  const resolve = (path: string): string | null => {
    if (path === '') return root;
    const slash = path.lastIndexOf('/');
    const parent = slash < 0 ? root : `${root}/${path.slice(0, slash)}`;
    try {
      return fs.realpathSync(parent) === parent ? `${root}/${path}` : null;
    } catch {
      return null;
    }
  };

  const existing = (path: string): string => {
    const full = resolve(path);
    if (full === null) throw new Error(`${path}: not in ${root}`);
    return full;
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
      const full = existing(path);
      if (!fs.lstatSync(full).isFile()) throw new Error(`${path}: no longer a file`);
      const fd = fs.openSync(full, 'r');
      try {
        return fs.readSync(fd, into, 0, into.length, pos);
      } finally {
        fs.closeSync(fd);
      }
    },
  };
}
