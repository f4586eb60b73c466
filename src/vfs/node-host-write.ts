import { EIO } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { HostFile, WritableHostDirectory } from './host-directory.js';
import { FD_DIRECTORY, type NodeFs, NodeHost, NodeHostFile, O_PATH } from './node-host.js';

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
  chmodSync(path: string, mode: number): void;
  fchmodSync(fd: number, mode: number): void;
  lutimesSync(path: string, atime: number, mtime: number): void;
}

function writeFully(fs: NodeWriteFs, fd: number, pos: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, pos + done);
  }
}

/** A file of the host by a descriptor, which may be one to write. */
class WritableNodeHostFile extends NodeHostFile {
  declare protected readonly fs: NodeWriteFs;

  override write(pos: number, bytes: Uint8Array): void {
    writeFully(this.fs, this.fd, pos, bytes);
  }

  override truncate(size: number): void {
    this.fs.ftruncateSync(this.fd, size);
  }
}

/** A directory of the host, to read and to write; see NodeHost for how no path leads out of it. */
export class WritableNodeHost extends NodeHost implements WritableHostDirectory {
  declare protected readonly fs: NodeWriteFs;

  constructor(fs: NodeWriteFs, directory: string) {
    super(fs, directory);
  }

  private withFile(path: string, flags: number, use: (fd: number) => void): void {
    const fd = this.openFile(path, flags);
    try {
      use(fd);
    } finally {
      this.fs.closeSync(fd);
    }
  }

  create(path: string, mode: number): HostFile {
    const { fs } = this;
    const { O_RDWR, O_CREAT, O_EXCL } = fs.constants;
    const flags = O_RDWR | O_CREAT | O_EXCL | this.safeFlags;
    const fd = this.at(path, (full) => fs.openSync(full, flags, mode));
    fs.fchmodSync(fd, mode);
    return new WritableNodeHostFile(fs, fd);
  }

  override open(path: string, writes: boolean): HostFile {
    const { O_RDONLY, O_RDWR } = this.fs.constants;
    const fd = this.openFile(path, writes ? O_RDWR : O_RDONLY);
    return new WritableNodeHostFile(this.fs, fd);
  }

  write(path: string, pos: number, bytes: Uint8Array): void {
    const flags = this.fs.constants.O_WRONLY;
    this.withFile(path, flags, (fd) => writeFully(this.fs, fd, pos, bytes));
  }

  truncate(path: string, size: number): void {
    this.withFile(path, this.fs.constants.O_WRONLY, (fd) => this.fs.ftruncateSync(fd, size));
  }

  /** Of files and directories; a link has no mode of its own. */
  chmod(path: string, mode: number): void {
    const { fs } = this;
    if (!this.walks) {
      const flags = fs.constants.O_RDONLY | this.safeFlags;
      this.held(path, flags, (fd) => fs.fchmodSync(fd, mode));
      return;
    }
    // chmod(2) needs no right to read; fchmod(2) refuses O_PATH, chmod(2) of its name does not.
    this.held(path, O_PATH | this.safeFlags, (fd) => {
      if (fs.fstatSync(fd).isSymbolicLink()) fail(EIO);
      fs.chmodSync(`${FD_DIRECTORY}/${fd}`, mode);
    });
  }

  private held(path: string, flags: number, use: (fd: number) => void): void {
    const { fs } = this;
    const fd = this.at(path, (full) => fs.openSync(full, flags));
    try {
      use(fd);
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
