import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { begunBytes, type CopyPlan, type SharedPlan, stopJobs } from '../live/copy-plan.js';
import { copyBuffer, CopyWork } from '../live/copy-work.js';
import type { HostRange } from '../live/host-pages.js';
import type { HostProcess } from '../live/host-process.js';
import type { CopyAnswer, CopyKind, CopyOrder } from './copy-worker.js';
import { Interrupt } from './interrupt.js';
import { InputError } from './io.js';
import type { OutputFile } from './output-file.js';
import type { Progress } from './progress.js';

/**
 * Bytes of a process from which on a second thread is worth its start. More than two would wait for each other: the
 * kernel lets one at a time write to a file.
 */
const LEAST_SHARED = 2 ** 27;
/** The other thread's module, or the script that the build makes of it, which begins sooner. */
const WORKER = import.meta.url.endsWith('/main.js')
  ? '../../cli/copy-worker.cjs'
  : './copy-worker.js';
/** Jobs between two looks at whether the user has had enough. */
const BREATH = 16;

/** What came of a copy. */
export interface Copied {
  /** Of each job, in order, where they were wanted. */
  readonly checksums: BigUint64Array;
  /** Pages that could not be read, in no order. */
  readonly lost: readonly HostRange[];
}

/** The length of ranges together. */
export function bytesOf(ranges: readonly HostRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + (end - start), 0);
}

/** Copies the memory of a process into a file, in one thread or two. */
export class MemoryCopy {
  readonly #process: HostProcess;
  readonly #kind: CopyKind;
  readonly #worker: Worker | null;
  readonly #interrupt = new Interrupt();
  #answer: Promise<CopyAnswer> | null = null;

  /**
   * Made before the process is stopped: an interrupt from then on lets it go first, and the other thread begins while
   * this one looks at the process. Ended by end().
   */
  constructor(process: HostProcess, kind: CopyKind) {
    this.#process = process;
    this.#kind = kind;
    const large = process.residentBytes() >= LEAST_SHARED && availableParallelism() > 1;
    this.#worker = large
      ? new Worker(new URL(WORKER, import.meta.url), { workerData: kind, execArgv: [] })
      : null;
  }

  /**
   * Copies what the plan says.
   *
   * @returns null when the user broke it off
   * @throws {ProcError} the process ended
   * @throws {InputError} the file cannot be written
   */
  async run(plan: CopyPlan, file: OutputFile, progress: Progress): Promise<Copied | null> {
    const shared = plan.share();
    this.#order(shared, file);
    try {
      const lost = await this.#work(shared, file, progress);
      const answer = (await this.#answer) ?? { lost: [] };
      if ('problem' in answer) throw new InputError(answer.problem);
      if (this.#interrupt.came) return null;
      return { checksums: shared.checksums, lost: [...lost, ...answer.lost] };
    } finally {
      // The other thread has the files too: they may be closed when it is done.
      stopJobs(shared);
      await this.#answer?.catch(() => {});
      progress.end();
    }
  }

  #order(plan: SharedPlan, file: OutputFile): void {
    const worker = this.#worker;
    if (worker === null) return;
    this.#answer = new Promise((resolve, reject) => {
      worker.once('message', resolve).once('error', reject);
    });
    // Until somebody waits for it, it is not unhandled.
    this.#answer.catch(() => {});
    const { memory } = this.#process;
    const files = [memory, file].map(({ fd, path }) => ({ fd, path }));
    const [from, to] = files as [CopyOrder['memory'], CopyOrder['file']];
    worker.postMessage({ plan, memory: from, file: to } satisfies CopyOrder);
  }

  /** The part of this thread. */
  async #work(
    plan: SharedPlan,
    file: OutputFile,
    progress: Progress,
  ): Promise<readonly HostRange[]> {
    const buffer = await copyBuffer(plan.jobBytes, this.#kind.checks);
    const put = (bytes: Uint8Array, offset: number): void => file.put({ offset, bytes });
    const work = new CopyWork(plan, this.#process.memory, buffer, put);
    let told = 0;
    for (let count = 1; work.next(); count++) {
      if (count % BREATH !== 0) continue;
      const begun = begunBytes(plan);
      progress.add(begun - told);
      told = begun;
      await setImmediate();
      if (this.#interrupt.came) stopJobs(plan);
    }
    return work.lost;
  }

  /** Has the other thread end, and interrupts end the program again. */
  async end(): Promise<void> {
    this.#interrupt.release();
    await this.#worker?.terminate();
  }
}
