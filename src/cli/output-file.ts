import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';

import { unreadable } from './file-source.js';
import { InputError } from './io.js';

/** Bytes and where in a file they go. */
export interface PlacedBytes {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** How a file is made. */
export interface OutputOptions {
  readonly replace: boolean;
  readonly input?: string | null;
}

/** A file that is open; another thread of the process can write it too. */
export interface OpenOutput {
  readonly fd: number;
  readonly path: string;
}

/** Writes bytes to their place. @throws {InputError} the disk is full, or fails */
export function writeAt({ fd, path }: OpenOutput, { offset, bytes }: PlacedBytes): void {
  try {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * A file that is made, and is its owner's alone: memory holds secrets. One that is there keeps its mode, as with cp. It
 * is there whole, or not at all.
 */
export class OutputFile implements OpenOutput {
  readonly path: string;
  readonly fd: number;
  /** Whether it stays. */
  #complete = false;

  /**
   * @param options `replace`: what to do with a file that is there; `input`: the file that it is made of, if any
   * @throws {InputError} it cannot be made, is there, is no regular file, or is the input itself
   */
  constructor(path: string, { replace, input = null }: OutputOptions) {
    this.path = path;
    const { O_WRONLY, O_CREAT, O_EXCL, O_NONBLOCK = 0 } = constants;
    try {
      // Without O_NONBLOCK the open of a named pipe would wait for a reader.
      const flags = O_WRONLY | O_CREAT | O_NONBLOCK | (replace ? 0 : O_EXCL);
      this.fd = openSync(path, flags, 0o600);
    } catch (error) {
      throw unreadable(path, error);
    }
    try {
      this.#refuseOthers(input);
      ftruncateSync(this.fd, 0);
    } catch (error) {
      closeSync(this.fd);
      throw error instanceof InputError ? error : unreadable(path, error);
    }
  }

  /** A device cannot be written at any place, and must not be removed when that fails. */
  #refuseOthers(input: string | null): void {
    const stat = fstatSync(this.fd, { bigint: true });
    if (!stat.isFile()) throw new InputError(`${this.path}: not a regular file`);
    const own =
      input === null ? undefined : statSync(input, { bigint: true, throwIfNoEntry: false });
    if (own !== undefined && own.dev === stat.dev && own.ino === stat.ino) {
      throw new InputError(`${this.path}: this is the file that is read`);
    }
  }

  /** @throws {InputError} the disk is full, or fails */
  put(placed: PlacedBytes): void {
    writeAt(this, placed);
  }

  /** Makes it so long, with zeros where nothing was put, and keeps it. */
  complete(size: number): void {
    ftruncateSync(this.fd, size);
    this.#complete = true;
  }

  /** Ends; what was not completed is gone. */
  close(): void {
    closeSync(this.fd);
    if (!this.#complete) unlinkSync(this.path);
  }
}
