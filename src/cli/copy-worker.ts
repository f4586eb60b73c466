import { parentPort, workerData } from 'node:worker_threads';

import { stopJobs, type SharedPlan } from '../live/copy-plan.js';
import { copyBuffer, CopyWork } from '../live/copy-work.js';
import { HostMemory } from '../live/host-memory.js';
import type { HostRange } from '../live/host-pages.js';
import { writeAt } from './output-file.js';

/** What the worker needs to know when it begins. */
export interface CopyKind {
  readonly jobBytes: number;
  /** Whether checksums are wanted. */
  readonly checks: boolean;
}

/** What it is told later. */
export interface CopyOrder {
  readonly plan: SharedPlan;
  /** The open files: threads of a process share their descriptors. */
  readonly memory: { readonly fd: number; readonly path: string };
  readonly file: { readonly fd: number; readonly path: string };
}

/** What it answers when nothing is left to do: the pages it could not read, or why it ended before. */
export type CopyAnswer = { readonly lost: readonly HostRange[] } | { readonly problem: string };

const port = parentPort;
if (port === null) throw new Error('copy-worker: runs in a worker of a copy only');
const { jobBytes, checks } = workerData as CopyKind;
// Made while the first thread still looks at the process.
const buffer = copyBuffer(jobBytes, checks);

async function copy({ plan, memory, file }: CopyOrder): Promise<CopyAnswer> {
  try {
    const from = new HostMemory(memory.fd, memory.path);
    const put = (bytes: Uint8Array, offset: number): void => writeAt(file, { offset, bytes });
    const work = new CopyWork(plan, from, await buffer, put);
    while (work.next());
    return { lost: work.lost };
  } catch (error) {
    stopJobs(plan);
    return { problem: (error as Error).message };
  }
}

port.once('message', async (order: CopyOrder) => port.postMessage(await copy(order)));
