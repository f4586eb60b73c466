import type { Encoding, NodeFsSync, Part, PathLike, Position } from './node-fs-sync.js';
import type { NodeStats } from './node-stats.js';

/** An open file of {@link NodeFsPromises}, in the shape of Node's FileHandle. */
export class NodeFileHandle {
  readonly fd: number;
  readonly #sync: NodeFsSync;

  constructor(sync: NodeFsSync, fd: number) {
    this.#sync = sync;
    this.fd = fd;
  }

  /** @throws {LinuxError} as read(2) and pread(2) */
  async read<B extends ArrayBufferView>(
    buffer: B,
    part?: number | Part | null,
    length?: number,
    position?: Position,
  ): Promise<{ bytesRead: number; buffer: B }> {
    return { bytesRead: this.#sync.readSync(this.fd, buffer, part, length, position), buffer };
  }

  /** @throws {LinuxError} as write(2) and pwrite(2) */
  async write<B extends ArrayBufferView | string>(
    buffer: B,
    part?: number | bigint | Part | null,
    length?: number | string,
    position?: Position,
  ): Promise<{ bytesWritten: number; buffer: B }> {
    return { bytesWritten: this.#sync.writeSync(this.fd, buffer, part, length, position), buffer };
  }

  /** @throws {LinuxError} as read(2) */
  async readFile(options?: Encoding): Promise<Uint8Array | string> {
    return this.#sync.readFileSync(this.fd, options);
  }

  /** @throws {LinuxError} EBADF */
  async stat(): Promise<NodeStats> {
    return this.#sync.fstatSync(this.fd);
  }

  /** @throws {LinuxError} EBADF: closed already */
  async close(): Promise<void> {
    this.#sync.closeSync(this.fd);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The calls of `node:fs/promises` that mean something for a machine's files. */
export class NodeFsPromises {
  readonly #sync: NodeFsSync;

  constructor(sync: NodeFsSync) {
    this.#sync = sync;
  }

  /** @throws {LinuxError} as open(2) */
  async open(path: PathLike, flags?: string | number, mode?: number): Promise<NodeFileHandle> {
    return new NodeFileHandle(this.#sync, this.#sync.openSync(path, flags, mode));
  }

  /** @throws {LinuxError} as open(2) and read(2) */
  async readFile(path: PathLike, options?: Encoding): Promise<Uint8Array | string> {
    return this.#sync.readFileSync(path, options);
  }

  /** @throws {LinuxError} as open(2) and write(2) */
  async writeFile(path: PathLike, data: ArrayBufferView | string): Promise<void> {
    this.#sync.writeFileSync(path, data);
  }

  /** @throws {LinuxError} ENOENT, EACCES, … */
  async stat(path: PathLike): Promise<NodeStats> {
    return this.#sync.statSync(path);
  }

  /** @throws {LinuxError} ENOENT, EACCES, … */
  async lstat(path: PathLike): Promise<NodeStats> {
    return this.#sync.lstatSync(path);
  }

  /** @throws {LinuxError} ENOTDIR, EACCES, … */
  async readdir(path: PathLike): Promise<string[]> {
    return this.#sync.readdirSync(path);
  }

  /** @throws {LinuxError} EINVAL: no link; ENOENT, EACCES, … */
  async readlink(path: PathLike): Promise<string> {
    return this.#sync.readlinkSync(path);
  }
}
