import { readSync } from 'node:fs';

import { ProcError } from './error.js';

/** The memory of a process of this computer, over its open file: other threads may have one over the same. */
export class HostMemory {
  /** The descriptor of /proc/PID/mem. */
  readonly fd: number;
  /** Its path, for errors. */
  readonly path: string;

  constructor(fd: number, path: string) {
    this.fd = fd;
    this.path = path;
  }

  /**
   * Reads memory: as many bytes of `into` as can be read from `addr` on, 0 where there is none.
   *
   * @throws {ProcError} the process has ended
   */
  read(addr: number, into: Uint8Array): number {
    let n: number;
    try {
      n = readSync(this.fd, into, 0, into.length, BigInt(addr) as unknown as number);
    } catch (error) {
      const code = String((error as { code?: unknown }).code ?? error);
      if (code === 'EIO') return 0;
      throw new ProcError(this.path, addr, `cannot be read (${code})`);
    }
    if (n > 0) return n;
    throw new ProcError(this.path, addr, 'the process has ended');
  }
}
