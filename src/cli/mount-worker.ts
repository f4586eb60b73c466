import { parentPort, workerData } from 'node:worker_threads';

import { describeHostThread, serveFuse } from '../fuse/mount.js';
import { FuseServer } from '../fuse/server.js';
import type { IdPairs } from '../fuse/users.js';
import { exampleCrash, type InputChoice, loadCrash, openProcess } from './input.js';
import { UsageError } from './io.js';

/** PID_MAX_LIMIT of 64-bit Linux. */
const PID_MAX = 4194304;

/** What a mount is to show: a core file, or the crash that comes with the package. */
export interface MountJob {
  /** The path of a core or snapshot; null: the demo's. */
  readonly path: string | null;
  readonly choice: InputChoice;
  /** Whether /proc/PID has `mem`. */
  readonly mem: boolean;
  readonly yama: 0 | 1 | 2 | 3 | null;
  /** What /proc/self is: `caller`, the process of the core, or the number of one. */
  readonly self: 'caller' | 'core' | number;
  readonly users: IdPairs;
  readonly groups: IdPairs;
}

/** What the worker says: the machine is there, or why it is not. */
export type MountAnswer =
  | { readonly pid: number; readonly comm: string; readonly threads: number }
  | { readonly problem: string };

async function prepare(job: MountJob): Promise<{ server: FuseServer; answer: MountAnswer }> {
  const crash = job.path === null ? exampleCrash() : await openProcess(job.path, job.choice);
  if (crash.restored !== null && (!job.mem || job.yama !== null)) {
    throw new UsageError('--no-mem and --yama: a snapshot has its own machine');
  }
  const { machine, process, task } = await loadCrash(crash, {
    procMem: job.mem,
    // As many as the host can have: callers keep their numbers.
    sysctl: { 'kernel.pid_max': PID_MAX },
    ...(job.yama === null ? {} : { yama: job.yama }),
  });
  const { pid, comm } = task;
  const self = job.self === 'caller' ? null : job.self === 'core' ? pid : job.self;
  const server = new FuseServer(machine.vfs, {
    self,
    users: job.users,
    groups: job.groups,
    describe: describeHostThread,
    onError: (error) => console.error('procmem: a request failed:', error),
  });
  return { server, answer: { pid, comm, threads: process.threads.length } };
}

const port = parentPort;
if (port === null) throw new Error('mount-worker: runs in a worker of the mount command only');
try {
  const { server, answer } = await prepare(workerData as MountJob);
  // The device comes when it is mounted; the thread then blocks in it until it is unmounted.
  port.once('message', (fd: number) => serveFuse(fd, server));
  port.postMessage(answer);
} catch (error) {
  port.postMessage({ problem: error instanceof Error ? error.message : String(error) });
}
