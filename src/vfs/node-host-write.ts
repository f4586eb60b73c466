import { EIO } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { WritableHostDirectory } from './host-fs.js';
import { type NodeFs, NodeHost } from './node-host.js';

/** The calls of node:fs that change something. */
export interface NodeWriteFs extends NodeFs {
  openSync(path: string, flags: number, mode?: number): number;
  writeSync(
    fd: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): number;
  ftruncateSync(fd: number, size: number): void;
  mkdirSync(path: string, options: { mode: number }): unknown;
  rmdirSync(path: string): void;
  unlinkSync(path: string): void;
  renameSync(from: string, to: string): void;
  symlinkSync(target: string, path: string): void;
  linkSync(from: string, to: string): void;
  fchmodSync(fd: number, mode: number): void;
  lutimesSync(path: string, atime: number, mtime: number): void;
}

/** A directory of the host, to read and to write; see NodeHost for how no path leads out of it. */
export class WritableNodeHost extends NodeHost implements WritableHostDirectory {
  declare protected readonly fs: NodeWriteFs;

  constructor(fs: NodeWriteFs, directory: string) {
    super(fs, directory);
  }

  private withFile<T>(path: string, flags: number, use: (fd: number) => T, mode = 0): T {
    const { fs } = this;
    const fd = this.at(path, (full) => fs.openSync(full, flags | this.safeFlags, mode));
    try {
      if (!fs.fstatSync(fd).isFile()) fail(EIO);
      return use(fd);
    } finally {
      fs.closeSync(fd);
    }
  }

  create(path: string, mode: number): void {
    const { O_WRONLY, O_CREAT, O_EXCL } = this.fs.constants;
    this.withFile(path, O_WRONLY | O_CREAT | O_EXCL, (fd) => this.fs.fchmodSync(fd, mode), mode);
  }

  write(path: string, pos: number, bytes: Uint8Array): void {
    this.withFile(path, this.fs.constants.O_WRONLY, (fd) => {
      for (let done = 0; done < bytes.length;) {
        done += this.fs.writeSync(fd, bytes, done, bytes.length - done, pos + done);
      }
    });
  }

  truncate(path: string, size: number): void {
    this.withFile(path, this.fs.constants.O_WRONLY, (fd) => this.fs.ftruncateSync(fd, size));
  }

  /** Of files and directories; a link has no mode of its own. */
  chmod(path: string, mode: number): void {
    const { fs } = this;
    const fd = this.at(path, (full) => fs.openSync(full, fs.constants.O_RDONLY | this.safeFlags));
    try {
      fs.fchmodSync(fd, mode);
    } finally {
      fs.closeSync(fd);
    }
  }

  utimes(path: string, atimeMs: number, mtimeMs: number): void {
    this.at(path, (full) => this.fs.lutimesSync(full, atimeMs / 1000, mtimeMs / 1000));
  }

  mkdir(path: string, mode: number): void {
    this.at(path, (full) => this.fs.mkdirSync(full, { mode }));
  }

  rmdir(path: string): void {
    this.at(path, (full) => this.fs.rmdirSync(full));
  }

  unlink(path: string): void {
    this.at(path, (full) => this.fs.unlinkSync(full));
  }

  symlink(target: string, path: string): void {
    this.at(path, (full) => this.fs.symlinkSync(target, full));
  }

  rename(from: string, to: string): void {
    this.at(from, (full) => this.at(to, (other) => this.fs.renameSync(full, other)));
  }

  link(from: string, to: string): void {
    this.at(from, (full) => this.at(to, (other) => this.fs.linkSync(full, other)));
  }
}

/**
 * A directory of the host, to read and to write.
 * @throws {TypeError} an empty path
 * @throws {Error} a path that leads to no directory; Node's own where it leads nowhere
 */
export function nodeWritableHostDirectory(
  fs: NodeWriteFs,
  directory: string,
): WritableHostDirectory {
  return new WritableNodeHost(fs, directory);
}
