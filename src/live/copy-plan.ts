/** Numbers of a piece in SharedPlan.pieces: its address, its bytes, and where in the file they go. */
export const PIECE_NUMBERS = 3;

/** What is to be copied and how far that is, in memory that threads share. */
export interface SharedPlan {
  /** PIECE_NUMBERS for each piece. */
  readonly pieces: Float64Array;
  /** The first piece of each job, and their number at the end. */
  readonly firsts: Uint32Array;
  /** The number of the next job that nobody does, by Atomics. */
  readonly next: Int32Array;
  /** Of the bytes of each job, one after the other, where somebody makes them. */
  readonly checksums: BigUint64Array;
  /** Bytes of each job, but for the last. */
  readonly jobBytes: number;
}

/**
 * Which memory is to go where in a file, divided into jobs of as many bytes, which threads do in any order: each reads
 * and writes a job's bytes itself, while they are in its processor's caches.
 */
export class CopyPlan {
  readonly jobBytes: number;
  /** Bytes of all pieces. */
  bytes = 0;
  readonly #pieces: number[] = [];
  readonly #firsts: number[] = [];

  /** @param jobBytes whole pages */
  constructor(jobBytes: number) {
    this.jobBytes = jobBytes;
  }

  /** Adds memory: whole pages, behind all that were added before. */
  add(addr: number, length: number, offset: number): void {
    for (let done = 0; done < length;) {
      const room = this.jobBytes - (this.bytes % this.jobBytes);
      if (room === this.jobBytes) this.#firsts.push(this.#pieces.length / PIECE_NUMBERS);
      const part = Math.min(room, length - done);
      this.#pieces.push(addr + done, part, offset + done);
      this.bytes += part;
      done += part;
    }
  }

  /** The plan for threads. */
  share(): SharedPlan {
    const jobs = this.#firsts.length;
    const pieces = new Float64Array(new SharedArrayBuffer(this.#pieces.length * 8));
    const firsts = new Uint32Array(new SharedArrayBuffer((jobs + 1) * 4));
    pieces.set(this.#pieces);
    firsts.set(this.#firsts);
    firsts[jobs] = this.#pieces.length / PIECE_NUMBERS;
    const next = new Int32Array(new SharedArrayBuffer(4));
    const checksums = new BigUint64Array(new SharedArrayBuffer(jobs * 8));
    return { pieces, firsts, next, checksums, jobBytes: this.jobBytes };
  }
}

/** The number of jobs of a plan. */
export function jobCount({ firsts }: SharedPlan): number {
  return firsts.length - 1;
}

/** Bytes of the jobs that were done or begun, about. */
export function begunBytes(plan: SharedPlan): number {
  return Math.min(Atomics.load(plan.next, 0), jobCount(plan)) * plan.jobBytes;
}

/** Has no thread begin another job. */
export function stopJobs(plan: SharedPlan): void {
  Atomics.store(plan.next, 0, jobCount(plan));
}
