import { CheckedMemory } from '../mm/checked-memory.js';
import { jobCount, PIECE_NUMBERS, type SharedPlan } from './copy-plan.js';
import type { HostMemory } from './host-memory.js';
import type { HostRange } from './host-pages.js';

const PAGE = 4096;

/** Where the bytes of one job lie between the process and the file. */
export interface CopyBuffer {
  readonly bytes: Uint8Array;
  /** The checksum of the first of these bytes; null where nobody wants them. */
  readonly checksum: ((bytes: Uint8Array) => bigint) | null;
}

/** The buffer of one thread. @param size bytes of a job */
export async function copyBuffer(size: number, checks: boolean): Promise<CopyBuffer> {
  if (!checks) return { bytes: new Uint8Array(size), checksum: null };
  const checked = await CheckedMemory.create(size);
  return { bytes: checked.buffer, checksum: (bytes) => checked.checksum(bytes) };
}

/** What one thread does of a plan. */
export class CopyWork {
  readonly #plan: SharedPlan;
  readonly #memory: HostMemory;
  readonly #buffer: CopyBuffer;
  readonly #put: (bytes: Uint8Array, offset: number) => void;
  /** The bytes of the buffer that wait to be written, and where they go. */
  #from = 0;
  #end = 0;
  #offset = 0;
  /** Pages that could not be read: of devices, secret, lost by a disk, guards. The file has zeros there. */
  readonly lost: HostRange[] = [];

  /** @param put writes bytes to a place in the file */
  constructor(
    plan: SharedPlan,
    memory: HostMemory,
    buffer: CopyBuffer,
    put: (bytes: Uint8Array, offset: number) => void,
  ) {
    this.#plan = plan;
    this.#memory = memory;
    this.#buffer = buffer;
    this.#put = put;
  }

  /**
   * Does the next job that no thread has begun.
   *
   * @returns false when there is none
   * @throws {ProcError} the process has ended; and what `put` throws
   */
  next(): boolean {
    const { firsts, next, checksums, pieces } = this.#plan;
    const job = Atomics.add(next, 0, 1);
    if (job >= jobCount(this.#plan)) return false;
    let used = 0;
    [this.#from, this.#end] = [0, 0];
    const end = (firsts[job + 1] as number) * PIECE_NUMBERS;
    for (let at = (firsts[job] as number) * PIECE_NUMBERS; at < end; at += PIECE_NUMBERS) {
      const length = pieces[at + 1] as number;
      this.#piece(pieces[at] as number, used, used + length, pieces[at + 2] as number);
      used += length;
    }
    this.#flush();
    const { bytes, checksum } = this.#buffer;
    if (checksum !== null) checksums[job] = checksum(bytes.subarray(0, used));
    return true;
  }

  /** Reads a piece to its place in the buffer, page for page where it has some that cannot be. */
  #piece(addr: number, start: number, end: number, offset: number): void {
    const { bytes } = this.#buffer;
    for (let at = start; at < end;) {
      const shift = at - start;
      const got = this.#memory.read(addr + shift, bytes.subarray(at, end));
      if (got > 0) this.#wait(at, at + got, offset + shift);
      else this.#lose(addr + shift, at);
      at += got > 0 ? got : PAGE;
    }
  }

  /** Puts off a write: the next bytes may be neighbours in the file too. */
  #wait(at: number, end: number, offset: number): void {
    if (at !== this.#end || offset !== this.#offset + (at - this.#from)) {
      this.#flush();
      [this.#from, this.#offset] = [at, offset];
    }
    this.#end = end;
  }

  #flush(): void {
    const bytes = this.#buffer.bytes.subarray(this.#from, this.#end);
    if (bytes.length > 0) this.#put(bytes, this.#offset);
    this.#from = this.#end;
  }

  #lose(addr: number, at: number): void {
    this.#buffer.bytes.fill(0, at, at + PAGE);
    const last = this.lost.at(-1);
    if (last?.end !== addr) this.lost.push({ start: addr, end: addr + PAGE });
    else this.lost[this.lost.length - 1] = { start: last.start, end: addr + PAGE };
  }
}
