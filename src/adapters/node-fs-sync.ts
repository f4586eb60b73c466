import { EBADF } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import { type FileDescriptor, type Files, readToEnd, writeAll } from './files.js';
import { NodeStats } from './node-stats.js';

/** Where a read or write begins; null, undefined and -1: at the file's own position. */
export type Position = number | bigint | null | undefined;

/** Which part of a buffer, and where in the file: the third argument of fs.readSync() as an object. */
export interface Part {
  readonly offset?: number;
  readonly length?: number;
  readonly position?: Position;
}

/** An encoding, or an object with one: `utf8` gives text, none gives bytes. */
export type Encoding = string | null | undefined | { readonly encoding?: string | null };

/** Bytes, or the array a DataView or typed array of Node's is made of. */
type Bytes = ArrayBufferView;

/** The synchronous calls of `node:fs` that mean something for a machine's files. */
export class NodeFsSync {
  readonly #files: Files;
  readonly #open = new Map<number, FileDescriptor>();

  constructor(files: Files) {
    this.#files = files;
  }

  /** @throws {LinuxError} as open(2) */
  openSync(path: PathLike, flags: string | number = 'r', mode = 0o666): number {
    const file = this.#files.open(toPath(path), flags, mode);
    this.#open.set(file.fd, file);
    return file.fd;
  }

  /** @throws {LinuxError} EBADF */
  closeSync(fd: number): void {
    const file = this.#file(fd);
    this.#open.delete(fd);
    file.close();
  }

  /** @returns bytes read @throws {LinuxError} as read(2) and pread(2) */
  readSync(
    fd: number,
    buffer: Bytes,
    part?: number | Part | null,
    length?: number,
    position?: Position,
  ): number {
    const { bytes, at } = cut(buffer, part, length, position);
    const file = this.#file(fd);
    return at === null ? file.read(bytes) : file.pread(bytes, at);
  }

  /** @returns bytes written @throws {LinuxError} as write(2) and pwrite(2) */
  writeSync(
    fd: number,
    data: Bytes | string,
    part?: number | bigint | Part | null,
    length?: number | string,
    position?: Position,
  ): number {
    const file = this.#file(fd);
    if (typeof data === 'string') {
      // A text is followed by the position, not by an offset.
      const at = typeof part === 'object' ? null : ownPosition(part);
      const bytes = new TextEncoder().encode(data);
      return at === null ? file.write(bytes) : file.pwrite(bytes, at);
    }
    const offset = typeof part === 'bigint' ? Number(part) : part;
    const { bytes, at } = cut(data, offset, Number(length ?? NaN), position);
    return at === null ? file.write(bytes) : file.pwrite(bytes, at);
  }

  /** @throws {LinuxError} EBADF */
  fstatSync(fd: number): NodeStats {
    return new NodeStats(this.#file(fd).stat());
  }

  /** @throws {LinuxError} ENOENT, EACCES, … */
  statSync(path: PathLike): NodeStats {
    return new NodeStats(this.#files.stat(toPath(path)));
  }

  /** @throws {LinuxError} ENOENT, EACCES, … */
  lstatSync(path: PathLike): NodeStats {
    return new NodeStats(this.#files.lstat(toPath(path)));
  }

  /** @throws {LinuxError} as open(2) and read(2) */
  readFileSync(path: PathLike | number, options?: Encoding): Uint8Array | string {
    const bytes = this.#with(path, 'r', 0, readToEnd);
    return encodingOf(options) === null ? bytes : new TextDecoder().decode(bytes);
  }

  /** @throws {LinuxError} as open(2) and write(2) */
  writeFileSync(path: PathLike | number, data: Bytes | string): void {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : bytesOf(data);
    this.#with(path, 'w', 0o666, (file) => writeAll(file, bytes));
  }

  /** @throws {LinuxError} ENOTDIR, EACCES, … */
  readdirSync(path: PathLike): string[] {
    return this.#files.readdir(toPath(path));
  }

  /** @throws {LinuxError} EINVAL: no link; ENOENT, EACCES, … */
  readlinkSync(path: PathLike): string {
    return this.#files.readlink(toPath(path));
  }

  /** Never throws. */
  existsSync(path: PathLike): boolean {
    try {
      this.#files.stat(toPath(path));
      return true;
    } catch {
      return false;
    }
  }

  #with<T>(
    path: PathLike | number,
    flags: string,
    mode: number,
    use: (file: FileDescriptor) => T,
  ): T {
    if (typeof path === 'number') return use(this.#file(path));
    const file = this.#files.open(toPath(path), flags, mode);
    try {
      return use(file);
    } finally {
      file.close();
    }
  }

  #file(fd: number): FileDescriptor {
    return this.#open.get(fd) ?? fail(EBADF);
  }
}

/** A path as text, bytes or `file:` URL. */
export type PathLike = string | Uint8Array | URL;

function toPath(path: PathLike): string {
  if (typeof path === 'string') return path;
  return path instanceof URL ? decodeURIComponent(path.pathname) : new TextDecoder().decode(path);
}

function bytesOf(data: Bytes): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function encodingOf(options: Encoding): string | null {
  return (typeof options === 'object' ? options?.encoding : options) ?? null;
}

function ownPosition(position: Position): number | bigint | null {
  return position === undefined || position === null || BigInt(position) === -1n ? null : position;
}

/**
 * The bytes of a buffer that a call is about, and where in the file.
 *
 * @throws {RangeError} a part that is not within the buffer
 */
function cut(buffer: Bytes, part?: number | Part | null, size?: number, position?: Position) {
  const asked: Part =
    typeof part === 'object' && part !== null
      ? part
      : {
          ...(part == null ? {} : { offset: part }),
          ...(size == null ? {} : { length: size }),
          position,
        };
  const { offset = 0 } = asked;
  const whole = bytesOf(buffer);
  const length =
    asked.length === undefined || Number.isNaN(asked.length) ? whole.length - offset : asked.length;
  if (!(offset >= 0 && length >= 0 && offset + length <= whole.length)) {
    throw new RangeError(
      `offset, length: ${offset}, ${length} are not within ${whole.length} bytes`,
    );
  }
  return { bytes: whole.subarray(offset, offset + length), at: ownPosition(asked.position) };
}
