import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { ElfError } from '../elf/error.js';
import type { ByteSource } from '../elf/source.js';
import { BytesSource } from '../elf/source.js';
import { InputError } from './io.js';

/** Largest file unpacked: a gzip of a megabyte can claim a gigabyte. */
const MAX_UNPACKED = 1024 * 1024 * 1024;

/** A {@link ByteSource} over a file of the host, read where it is asked for. */
export class FileSource implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #fd: number;

  /** @throws {Error} the file cannot be opened, or is no regular file */
  constructor(path: string) {
    this.name = path;
    // Without O_NONBLOCK the open of a named pipe would wait for a writer.
    this.#fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = fstatSync(this.#fd);
    if (!stat.isFile()) {
      closeSync(this.#fd);
      throw new Error('not a regular file');
    }
    this.size = stat.size;
  }

  /** @throws {ElfError} the host cannot read there */
  read(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - offset)));
    return bytes.subarray(0, this.readInto(bytes, offset));
  }

  /**
   * Fills an array with the bytes at `offset`; fewer only where the file ends.
   *
   * @throws {ElfError} the host cannot read there
   */
  readInto(bytes: Uint8Array, offset: number): number {
    let done = 0;
    while (done < bytes.length) {
      const n = this.#readSome(bytes.subarray(done), offset + done);
      if (n === 0) break;
      done += n;
    }
    return done;
  }

  #readSome(into: Uint8Array, offset: number): number {
    try {
      return readSync(this.#fd, into, 0, into.length, offset);
    } catch (error) {
      throw new ElfError(this.name, offset, `cannot be read (${codeOf(error)})`);
    }
  }
}

/**
 * The file a user named, unpacked where its name ends in `.gz`.
 *
 * @throws {InputError} it cannot be opened, is no regular file, or is no gzip
 */
export function openInput(path: string): ByteSource {
  if (path.endsWith('.gz')) return unpack(path);
  try {
    return new FileSource(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** What a user is told of a file that the host could not open, read or unpack. */
export function unreadable(path: string, error: unknown): InputError {
  return new InputError(`${path}: ${codeOf(error)}`);
}

/** A file of the host, when there is one that can be read. */
export function openHostFile(path: string): ByteSource | null {
  try {
    return path.startsWith('/') ? new FileSource(path) : null;
  } catch {
    return null;
  }
}

/** Files of a process at their paths below a directory: that of another machine, or `/`. */
export function openSysroot(root: string): (path: string) => ByteSource | null {
  // What `..` leads to above the root is the root, as after chroot().
  return (path) => (path.startsWith('/') ? openHostFile(join(resolve(root), resolve(path))) : null);
}

function unpack(path: string): ByteSource {
  try {
    const bytes = gunzipSync(readFileSync(path), { maxOutputLength: MAX_UNPACKED });
    return new BytesSource(path, bytes);
  } catch (error) {
    throw unreadable(path, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'this is a directory',
  EEXIST: 'it exists already',
  ENXIO: 'not a regular file',
  ENOSPC: 'the disk is full',
  EFBIG: 'a file may not become so large',
  EROFS: 'nothing can be written there',
  Z_DATA_ERROR: 'this is not a gzip file',
  Z_BUF_ERROR: 'the gzip file is cut short',
  ERR_BUFFER_TOO_LARGE: 'unpacks to more than 1 GiB',
};

function codeOf(error: unknown): string {
  const code = String((error as { code?: unknown }).code ?? '');
  const text = error instanceof Error ? error.message : String(error);
  return REASONS[code] ?? (code === '' ? text : code);
}
