import { EBADF } from '../../assembly/abi/errno.js';
import { fail } from '../errno.js';
import type { DirEntry, File } from '../vfs/file.js';
import type { U64 } from '../vfs/u64.js';

/** A file that the host has open. */
export interface Handle {
  readonly file: File;
  /** What a directory listed when its reader began; a listing goes on where it was. */
  entries: readonly DirEntry[] | null;
}

/** The open files by the numbers that the host's kernel has for them. */
export class Handles {
  readonly #handles = new Map<U64, Handle>();
  #last = 0;

  /** Open files. */
  get size(): number {
    return this.#handles.size;
  }

  /** Gives an open file, whose reference passes to the table, a number. */
  add(file: File): number {
    this.#last += 1;
    this.#handles.set(this.#last, { file, entries: null });
    return this.#last;
  }

  /** @throws {LinuxError} EBADF: no such open file */
  get(fh: U64): Handle {
    return this.#handles.get(fh) ?? fail(EBADF);
  }

  /** Closes a file. @throws {LinuxError} EBADF: no such open file */
  release(fh: U64): void {
    const { file } = this.get(fh);
    this.#handles.delete(fh);
    file.put();
  }

  /** Closes all. */
  releaseAll(): void {
    for (const fh of this.#handles.keys()) this.release(fh);
  }
}
